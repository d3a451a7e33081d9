import { randomBytes } from 'node:crypto';
import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { waitFor } from '../../scripts/cluster/processes.ts';
import { root, runProgram, TestCluster, type Outcome } from './support/cluster.ts';
import { hostOf, Servers } from './support/servers.ts';

const MEBIBYTE = 1024 * 1024;
const cluster = new TestCluster('client');
let servers: Servers;

beforeAll(async () => {
  await cluster.up();
  servers = new Servers(cluster, await cluster.logInAsAdmin());
});
afterAll(() => cluster.down());

/** The value of one column of one thing, as scripts read it. */
const value = (column: string, words: string) => cluster.openstack(`${words} -f value -c ${column}`);

describe('what the cluster offers', () => {
  test('token issue', async () => {
    const token = await cluster.openstackJson<{ id: string; project_id: string }>('token issue');
    expect(token.id.length).toBeGreaterThan(20);
    expect(token.project_id).toMatch(/^[0-9a-f]{32}$/);
  });

  test('catalog list', async () => {
    const catalog = await cluster.openstackJson<Array<{ Name: string; Type: string }>>('catalog list');
    expect(catalog.map((entry) => `${entry.Name} ${entry.Type}`).toSorted()).toEqual([
      'drover drover',
      'glance image',
      'keystone identity',
      'nova compute',
    ]);
  });

  test('flavor list', async () => {
    const flavors = await cluster.openstackJson<Array<{ Name: string; RAM: number }>>('flavor list');
    expect(flavors.find((flavor) => flavor.Name === 'm1.tiny')?.RAM).toBe(512);
  });

  test('image list', async () => {
    const images = await cluster.openstackJson<Array<{ Name: string; Status: string }>>('image list');
    expect(images.map((image) => `${image.Name} ${image.Status}`).toSorted()).toEqual([
      'tiny active',
      'tiny-raw active',
    ]);
  });

  test('hypervisor list and show', async () => {
    const listed = await cluster.openstackJson<Array<Record<string, string>>>('hypervisor list');
    expect(listed.map((one) => `${one['Hypervisor Hostname']} ${one['State']}`)).toEqual([
      'compute1 up',
      'compute2 up',
      'compute3 up',
    ]);
    const shown = await cluster.openstackJson<{ hypervisor_hostname: string; host_ip: string }>(
      'hypervisor show compute2',
    );
    expect(shown).toMatchObject({ hypervisor_hostname: 'compute2', host_ip: '127.0.1.2' });
  });

  test('compute service list and set', async () => {
    await cluster.openstack(
      'compute service set --disable --disable-reason broken-fan compute3 nova-compute',
    );
    const services = await cluster.openstackJson<Array<Record<string, string>>>(
      'compute service list --service nova-compute --long',
    );
    expect(services.map((one) => [one['Host'], one['Status'], one['State'], one['Disabled Reason']])).toEqual(
      [
        ['compute1', 'enabled', 'up', null],
        ['compute2', 'enabled', 'up', null],
        ['compute3', 'disabled', 'up', 'broken-fan'],
      ],
    );
    await cluster.openstack('compute service set --enable compute3 nova-compute');
  });
});

describe('the main job', () => {
  test('server create, list, show, stop, start, delete', async () => {
    await cluster.openstack('server create --flavor m1.nano --image tiny --wait alpha');
    const shown = await cluster.openstackJson<Record<string, string>>('server show alpha');
    expect(shown).toMatchObject({ name: 'alpha', status: 'ACTIVE', 'OS-EXT-STS:vm_state': 'active' });
    const id = shown['id'] ?? '';
    const listed = await cluster.openstackJson<Array<Record<string, string>>>('server list');
    expect(listed).toMatchObject([
      { ID: id, Name: 'alpha', Status: 'ACTIVE', Image: 'tiny', Flavor: 'm1.nano' },
    ]);
    await cluster.openstack('server stop alpha');
    await servers.waitFor(id, 'SHUTOFF');
    await cluster.openstack('server start alpha');
    await servers.waitFor(id, 'ACTIVE');
    await cluster.openstack('server delete --wait alpha');
    expect(await cluster.openstack('server list -f value')).toBe('');
  });

  test('create without a network, migrate to a named host, revert, confirm, list the migrations', async () => {
    await cluster.openstack(
      '--os-compute-api-version 2.37 server create --nic none --flavor m1.nano --image tiny-raw --property owner=ann --wait beta',
    );
    const { id, ...rest } = await servers.show(await value('id', 'server show beta'));
    const source = hostOf({ id, ...rest });
    const target = ['compute1', 'compute2', 'compute3'].find((host) => host !== source) ?? '';

    await cluster.openstack(`--os-compute-api-version 2.56 server migrate --host ${target} --wait beta`);
    expect(hostOf(await servers.waitFor(id, 'VERIFY_RESIZE'))).toBe(target);
    await cluster.openstack('server migrate revert beta');
    expect(hostOf(await servers.waitFor(id, 'ACTIVE'))).toBe(source);

    await cluster.openstack('server migrate beta');
    await servers.waitFor(id, 'VERIFY_RESIZE');
    await cluster.openstack('server migrate confirm beta');
    const settled = await servers.waitFor(id, 'ACTIVE');
    expect(hostOf(settled)).not.toBe(source);
    expect(settled).toMatchObject({ name: 'beta', metadata: { owner: 'ann' }, addresses: {} });

    const migrations = await cluster.openstackJson<Array<Record<string, string>>>(
      '--os-compute-api-version 2.59 server migration list --server beta',
    );
    expect(migrations.map((one) => [one['Status'], one['Source Compute'], one['Type']])).toEqual([
      ['confirmed', source, 'migration'],
      ['reverted', source, 'migration'],
    ]);
    await servers.delete(id);
  });

  test('images of a server: by the openstack client, and by drover in the format of another product', async () => {
    const { id } = await servers.create('picture');
    const snapshot = await cluster.openstackJson<Record<string, string>>(
      'server image create --wait --name snapshot picture',
    );
    expect(snapshot).toMatchObject({ name: 'snapshot', status: 'active', disk_format: 'qcow2' });
    const drover = async (...words: string[]) => {
      const outcome = await cluster.withOpenrc('openrc', join(root, 'scripts/drover'), 'image', ...words);
      expect(outcome).toMatchObject({ exit_code: 0 });
      return outcome.stdout;
    };
    const made = await drover(
      'extract',
      'picture',
      '--name',
      'carried',
      '--format',
      'vmdk',
      '--wait',
      '-f',
      'json',
    );
    expect(JSON.parse(made)).toMatchObject({ status: 'active', disk_format: 'vmdk', of_server: id });
    const file = join(cluster.folder, 'carried.vmdk');
    await drover('save', 'carried', '--file', file);
    expect((await runProgram('qemu-img', ['info', '-f', 'vmdk', file])).exit_code).toBe(0);
    expect(await servers.show(id)).toMatchObject({ status: 'ACTIVE', 'OS-EXT-STS:task_state': null });
    await cluster.openstack('image delete snapshot carried');

    // Of a stopped server, each format holds the same.
    await servers.action(id, { 'os-stop': null });
    await servers.waitFor(id, 'SHUTOFF');
    const fileOf = (format: string) => join(cluster.folder, `picture.${format}`);
    for (const format of ['raw', 'vhd', 'vhdx']) {
      await drover('extract', 'picture', '--name', format, '--format', format, '--wait');
      await drover('save', format, '--file', fileOf(format));
    }
    for (const [format, driver] of [
      ['vhd', 'vpc'],
      ['vhdx', 'vhdx'],
    ] as const) {
      const words = ['compare', '-f', 'raw', '-F', driver, fileOf('raw'), fileOf(format)];
      expect(await runProgram('qemu-img', words)).toMatchObject({ exit_code: 0 });
    }
    await cluster.openstack('image delete raw vhd vhdx');
    await servers.delete(id);
  });

  test('a copy under way: how far it is, another limit, and cancelled', async () => {
    const { id, ...before } = await servers.create('delta');
    const drover = async (...words: string[]) => {
      const outcome = await cluster.withOpenrc('openrc', join(root, 'scripts/drover'), ...words);
      expect(outcome).toMatchObject({ exit_code: 0 });
      return outcome.stdout;
    };
    await servers.action(id, { 'os-stop': null });
    await servers.waitFor(id, 'SHUTOFF');
    // Nothing that packing could make shorter: half a minute at this limit.
    const disk = openSync(join(servers.folder(id, hostOf({ id, ...before })), 'disk'), 'r+');
    writeSync(disk, randomBytes(2 * MEBIBYTE), 0, 2 * MEBIBYTE, 8 * MEBIBYTE);
    closeSync(disk);
    await drover('server', 'migrate', 'delta', '--limit', '64KiB/s');
    await servers.waitUntil(
      id,
      'the copy to have come further than its start',
      ({ progress = 0 }) => progress > 0,
    );
    const [migration] = await servers.migrations(id);
    const shown = await cluster.openstackJson<Record<string, string | number>>(
      `--os-compute-api-version 2.59 server migration show ${id} ${migration?.id}`,
    );
    expect(shown).toMatchObject({ Status: 'migrating', 'Disk Total Bytes': expect.any(Number) });
    expect(shown['Disk Processed Bytes']).toBeGreaterThan(0);
    expect(shown['Disk Remaining Bytes']).toBeGreaterThan(0);
    await drover('migration', 'set', 'delta', '--limit', '128KiB/s');
    const record = JSON.parse(await drover('migration', 'show', 'delta', '-f', 'json')) as object;
    expect(record).toMatchObject({ status: 'migrating', limit: '128 KiB/s' });
    await drover('migration', 'cancel', 'delta');
    expect(hostOf(await servers.waitFor(id, 'SHUTOFF'))).toBe(hostOf({ id, ...before }));
    expect(servers.homes(id)).toEqual([`${hostOf({ id, ...before })}:ID`]);
    await servers.delete(id);
  });

  test('the polling script of the user guide runs to its end', async () => {
    const { id, ...before } = await servers.create('gamma');
    const outcome = await cluster.withOpenrc('openrc', join(root, 'test/e2e/poll-migrate.sh'), id);
    expect(outcome.exit_code).toBe(0);
    expect(outcome.stdout).toContain('gamma');
    const after = await servers.waitFor(id, 'ACTIVE');
    expect(hostOf(after)).not.toBe(hostOf({ id, ...before }));
    expect(after).toMatchObject({
      name: before.name,
      metadata: before.metadata,
      addresses: before.addresses,
    });
    await servers.delete(id);
  });
});

describe('a plain user', () => {
  const asDemo = (...words: string[]): Promise<Outcome> =>
    cluster.withOpenrc('openrc-demo', 'openstack', ...words);

  test('may not migrate, until policy.yaml says so, without a restart', async () => {
    const demo = new Servers(cluster, await cluster.logInAsDemo());
    const { id } = await demo.create('delta');
    const refused = await asDemo('server', 'migrate', id);
    expect(refused.exit_code).not.toBe(0);
    expect(refused.stderr).toContain(
      "Policy doesn't allow os_compute_api:os-migrate-server:migrate to be performed. (HTTP 403)",
    );
    expect(await demo.show(id)).toMatchObject({ status: 'ACTIVE', 'OS-EXT-STS:task_state': null });

    writeFileSync(
      join(cluster.folder, 'etc/policy.yaml'),
      '"os_compute_api:os-migrate-server:migrate": "rule:admin_or_owner"\n',
    );
    await waitFor({ name: 'the new policy to count', timeout_seconds: 15 }, async () => {
      await demo.action(id, { migrate: null });
      return true;
    });
    await demo.waitFor(id, 'VERIFY_RESIZE');
    await demo.action(id, { confirmResize: null });
    await demo.waitFor(id, 'ACTIVE');
    await demo.delete(id);
  });

  test('sees nothing of other projects', async () => {
    const { id } = await servers.create('hidden');
    expect((await asDemo('server', 'list', '-f', 'value')).stdout).not.toContain('hidden');
    const shown = await asDemo('server', 'show', id);
    expect(shown.exit_code).not.toBe(0);
    expect(shown.stderr).toContain('No server with a name or ID of');
    await servers.delete(id);
  });
});
