import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readWorld } from '../../../scripts/cluster/world-file.ts';
import { defaultWorld, withHosts } from '../../../scripts/cluster/world.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'drover-world-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const smallest = {
  roles: ['admin'],
  projects: [{ name: 'admin' }],
  users: [{ name: 'admin', password: 'secret', roles: [{ project: 'admin', role: 'admin' }] }],
  flavors: [{ id: '42', name: 'm1.nano', vcpus: 1, ram: 64, disk: 1 }],
  images: [{ id: 'x', name: 'cirros', size: 1024, content: '1024 zero bytes', disk_format: 'raw' }],
  hosts: [{ name: 'compute1', vcpus: 4, memory_mb: 1024, local_gb: 10 }],
};

function read(world: object) {
  const file = join(folder, 'world.json');
  writeFileSync(file, JSON.stringify(world));
  return readWorld(file);
}

test('a small world gets the defaults of everything it leaves out', () => {
  expect(read(smallest)).toEqual({
    region: 'RegionOne',
    roles: ['admin'],
    projects: [{ name: 'admin', description: '' }],
    users: [{ name: 'admin', password: 'secret', roles: [{ project: 'admin', role: 'admin' }] }],
    flavors: [
      {
        id: '42',
        name: 'm1.nano',
        vcpus: 1,
        memory_mb: 64,
        root_gb: 1,
        swap_mb: 0,
        ephemeral_gb: 0,
        is_public: true,
        extra_specs: {},
      },
    ],
    images: [
      {
        id: 'x',
        name: 'cirros',
        disk_format: 'raw',
        container_format: 'bare',
        visibility: 'public',
        owner_project: 'admin',
        min_ram_mb: 0,
        min_disk_gb: 0,
        content: { kind: 'zeros', size_bytes: 1024 },
      },
    ],
    hosts: [
      { name: 'compute1', zone: 'nova', vcpus: 4, memory_mb: 1024, local_gb: 10, reserved_memory_mb: 512 },
    ],
    settings: {},
    quota: {},
  });
});

test('settings and quotas become options under their names; remarks about a recording do not', () => {
  const world = read({
    ...smallest,
    config: {
      cpu_allocation_ratio: 4,
      resize_confirm_window: 0,
      policy: 'the defaults of Zed',
      quota: { instances: 10, injected_file_path_bytes: 255 },
    },
  });
  expect(world.settings).toEqual({ initial_cpu_allocation_ratio: 4, resize_confirm_window: 0 });
  expect(world.quota).toEqual({ instances: 10, injected_file_path_length: 255 });
});

test.each([
  [{ ...smallest, roles: undefined }, /\.roles: a list expected, found nothing/],
  [{ ...smallest, users: [{ name: 'admin' }] }, /\.users\[0\]\.password: a text expected, found nothing/],
  [{ ...smallest, hosts: [{ name: 'a', vcpus: '4' }] }, /\.hosts\[0\]\.vcpus: a number expected, found "4"/],
  [{ ...smallest, images: [{ name: 'a', disk_format: 'vmdk' }] }, /raw or qcow2 expected, not "vmdk"/],
])('says where a world is wrong (%#)', (world, message) => {
  expect(() => read(world)).toThrow(message);
});

test('more hosts than the world names are like its last one', () => {
  const world = withHosts(read(smallest), 3);
  expect(world.hosts.map(({ name, vcpus }) => `${name} ${vcpus}`)).toEqual([
    'compute1 4',
    'compute2 4',
    'compute3 4',
  ]);
  expect(withHosts(world, 1).hosts).toHaveLength(1);
});

test('two default worlds have different passwords', () => {
  const [one, other] = [defaultWorld(1), defaultWorld(1)];
  expect(one.users[0]?.password).not.toBe(other.users[0]?.password);
  expect(one.users[0]?.password).not.toBe(one.users[1]?.password);
});
