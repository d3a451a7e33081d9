import { describe, expect, it } from 'vitest';
import { instanceId, projectId } from '../../../shared/domain/ids.ts';
import { hostName } from '../../../shared/domain/ids.ts';
import type { ServerRow } from '../../../services/api/queries/server-row.ts';
import {
  serverView,
  type ServerViewKind,
  type ServerViewOptions,
} from '../../../services/api/views/server-view.ts';
import { sampleFlavor } from '../domain/sample-flavor.ts';

const row: ServerRow = {
  id: 46,
  uuid: instanceId('2993c032-b221-48d0-ac38-4b1910a55168'),
  project_id: projectId('e7bf6afffdcc4d5e97bb5e36a6a2a003'),
  user_id: '0d8163516da14ee59a3b332b1df55997',
  name: 'conf-a',
  description: null,
  hostname: 'conf-a',
  reservation_id: 'r-2pd8b44q',
  launch_index: 0,
  flavor: sampleFlavor(),
  image_id: '6ea5b38a-8ef9-4b0e-84db-0212c08538eb',
  metadata: {},
  tags: [],
  server_group_uuid: null,
  availability_zone: 'nova',
  key_name: null,
  config_drive: '',
  user_data: null,
  disk_config: 'MANUAL',
  access_ip_v4: null,
  access_ip_v6: null,
  root_device_name: '/dev/sda',
  addresses: {},
  security_groups: [],
  host: hostName('compute1'),
  node: 'compute1',
  vm_state: 'active',
  task_state: null,
  power_state: 1,
  progress: 0,
  locked_by: null,
  locked_reason: null,
  created_at: new Date('2026-11-21T08:48:38.123Z'),
  updated_at: new Date('2026-11-21T08:48:39Z'),
  launched_at: new Date('2026-11-21T08:48:39Z'),
  terminated_at: null,
  deleted_at: null,
  host_status: 'UP',
  fault_code: null,
  fault_message: null,
  fault_details: null,
  fault_created_at: null,
};

function options(kind: ServerViewKind, minor: number, isAdmin: boolean): ServerViewOptions {
  const self = (...path: readonly string[]) => `http://host/v2.1/${path.join('/')}`;
  const bookmark = (...path: readonly string[]) => `http://host/${path.join('/')}`;
  return {
    kind,
    links: {
      self,
      bookmark,
      pair: (...path) => [
        { rel: 'self', href: self(...path) },
        { rel: 'bookmark', href: bookmark(...path) },
      ],
    },
    atLeast: (wanted) => minor >= wanted,
    is_admin: isAdmin,
    shows_host_attributes: isAdmin,
    shows_host_status: isAdmin,
    shows_unknown_host_status: false,
    shows_extra_specs: true,
  };
}

const base = (
  'id name status tenant_id user_id metadata hostId image flavor created updated addresses accessIPv4 accessIPv6 links ' +
  'OS-DCF:diskConfig progress OS-EXT-AZ:availability_zone config_drive key_name OS-SRV-USG:launched_at ' +
  'OS-SRV-USG:terminated_at OS-EXT-SRV-ATTR:host OS-EXT-SRV-ATTR:instance_name OS-EXT-SRV-ATTR:hypervisor_hostname ' +
  'OS-EXT-STS:task_state OS-EXT-STS:vm_state OS-EXT-STS:power_state os-extended-volumes:volumes_attached'
).split(' ');

/** Keys beyond those of 2.1, in the order in which they are written. */
function added(kind: ServerViewKind, minor: number, isAdmin: boolean): readonly string[] {
  return Object.keys(serverView(row, options(kind, minor, isAdmin)))
    .filter((key) => !base.includes(key))
    .map((key) => key.replace('OS-EXT-SRV-ATTR:', '@'));
}

const attributes =
  '@reservation_id @launch_index @hostname @kernel_id @ramdisk_id @root_device_name @user_data'.split(' ');

describe('keys of a server by microversion, as recorded from Nova', () => {
  it('shows the 2.1 keys in their order', () => {
    expect(Object.keys(serverView(row, options('show', 1, true)))).toEqual(base);
    expect(Object.keys(serverView(row, options('show', 1, false)))).toEqual(
      base.filter((key) => !key.startsWith('OS-EXT-SRV-ATTR')),
    );
  });

  it.each([
    [3, attributes],
    [8, attributes],
    [9, [...attributes, 'locked']],
    [15, [...attributes, 'locked']],
    [16, [...attributes, 'host_status', 'locked']],
    [19, [...attributes, 'host_status', 'locked', 'description']],
    [26, [...attributes, 'host_status', 'locked', 'description', 'tags']],
    [62, [...attributes, 'host_status', 'locked', 'description', 'tags']],
    [63, [...attributes, 'host_status', 'locked', 'description', 'tags', 'trusted_image_certificates']],
    [
      71,
      [
        ...attributes,
        ...'host_status locked description tags trusted_image_certificates server_groups'.split(' '),
      ],
    ],
    [
      93,
      [
        ...attributes,
        ...'host_status locked locked_reason description tags trusted_image_certificates server_groups'.split(
          ' ',
        ),
      ],
    ],
  ])('show at 2.%i for an administrator', (minor, keys) => {
    expect(added('show', minor, true)).toEqual(keys);
  });

  it('puts host_status last in detail, and leaves server_groups out', () => {
    expect(added('detail', 93, true)).toEqual([
      ...attributes,
      ...'locked locked_reason description tags trusted_image_certificates host_status'.split(' '),
    ]);
  });

  it.each([
    [16, ['locked']],
    [89, 'locked locked_reason description tags trusted_image_certificates server_groups'.split(' ')],
    [
      90,
      'locked locked_reason description tags trusted_image_certificates @hostname server_groups'.split(' '),
    ],
  ])('show at 2.%i for others', (minor, keys) => {
    expect(added('show', minor, false)).toEqual(keys);
  });

  it('leaves the extensions out of an update below 2.75', () => {
    expect(Object.keys(serverView(row, options('update', 1, true)))).toEqual(
      base.slice(0, base.indexOf('progress') + 1),
    );
    expect(added('update', 19, true)).toEqual(['locked', 'description']);
    expect(added('update', 75, true)).toEqual(added('show', 75, true));
  });
});

describe('values of a server', () => {
  it('has the flavor as a link below 2.47 and embedded from there on', () => {
    expect(serverView(row, options('show', 46, true))['flavor']).toEqual({
      id: '42',
      links: [{ rel: 'bookmark', href: 'http://host/flavors/42' }],
    });
    expect(serverView(row, options('show', 47, true))['flavor']).toEqual({
      vcpus: 1,
      ram: 64,
      disk: 1,
      ephemeral: 0,
      swap: 0,
      original_name: 'm1.nano',
      extra_specs: {},
    });
  });

  it('writes times in both of Nova’s forms, and names and ids as Nova makes them', () => {
    expect(serverView(row, options('show', 3, true))).toMatchObject({
      created: '2026-11-21T08:48:38Z',
      'OS-SRV-USG:launched_at': '2026-11-21T08:48:39.000000',
      'OS-EXT-SRV-ATTR:instance_name': 'instance-0000002e',
      // sha224 of project and host, as recorded
      hostId: '8a21f4c7c36b9711f88f4e1d02a618630898eb99166edca1092a372d',
    });
  });

  it('has no device name, no host id and no zone before it was built', () => {
    const unbuilt = { ...row, host: null, node: null, availability_zone: null, launched_at: null };
    expect(serverView({ ...unbuilt, host_status: '' }, options('show', 16, true))).toMatchObject({
      hostId: '',
      host_status: '',
      'OS-EXT-AZ:availability_zone': '',
      'OS-EXT-SRV-ATTR:root_device_name': null,
    });
  });

  it('shows the fault only in ERROR, with details for administrators or when the code is not 500', () => {
    const fault = {
      fault_code: 500,
      fault_message: 'No valid host was found. ',
      fault_details: 'why',
      fault_created_at: new Date('2026-11-21T08:51:30Z'),
    };
    const shown = { code: 500, created: '2026-11-21T08:51:30Z', message: 'No valid host was found. ' };
    const failed = { ...row, ...fault, vm_state: 'error' as const };
    expect(serverView({ ...row, ...fault }, options('show', 1, true))).not.toHaveProperty('fault');
    expect(serverView(failed, options('show', 1, true))['fault']).toEqual({ ...shown, details: 'why' });
    expect(serverView(failed, options('show', 1, false))['fault']).toEqual(shown);
    expect(serverView({ ...failed, fault_code: 404 }, options('show', 1, false))['fault']).toEqual({
      ...shown,
      code: 404,
      details: 'why',
    });
  });
});
