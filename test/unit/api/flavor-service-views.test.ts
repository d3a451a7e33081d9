import { describe, expect, test } from 'vitest';
import type { LinkMaker } from '../../../services/api/http/links.ts';
import type { HypervisorRow } from '../../../services/api/queries/hypervisors.ts';
import type { ServiceRow } from '../../../services/api/queries/services.ts';
import { flavorSummary, flavorView } from '../../../services/api/views/flavor-view.ts';
import {
  hypervisorServers,
  hypervisorStatistics,
  hypervisorSummary,
  hypervisorView,
} from '../../../services/api/views/hypervisor-view.ts';
import { serviceView } from '../../../services/api/views/service-view.ts';
import type { FlavorSpec } from '../../../shared/domain/instance-spec.ts';
import { sampleFlavor } from '../domain/sample-flavor.ts';

const at = (minor: number) => (wanted: number) => minor >= wanted;

describe('flavor', () => {
  const flavor: FlavorSpec = sampleFlavor({ id: 3, description: 'small', extra_specs: { a: 'b' } });
  const links: LinkMaker = {
    self: (...path) => path.join('/'),
    bookmark: (...path) => path.join('/'),
    pair: () => [
      { rel: 'self', href: 's' },
      { rel: 'bookmark', href: 'b' },
    ],
  };

  test.each([
    [1, {}],
    [54, {}],
    [55, { description: 'small' }],
  ])('in a list, at 2.%i', (minor, more) => {
    expect(flavorSummary(flavor, links, at(minor))).toEqual({
      id: '42',
      name: 'm1.nano',
      links: links.pair(),
      ...more,
    });
  });

  test.each([
    [1, true, { swap: '' }],
    [55, true, { swap: '', description: 'small' }],
    [61, true, { swap: '', description: 'small', extra_specs: { a: 'b' } }],
    [61, false, { swap: '', description: 'small' }],
    [75, true, { swap: 0, description: 'small', extra_specs: { a: 'b' } }],
  ])('in full, at 2.%i, extra specs visible: %s', (minor, shows, more) => {
    expect(flavorView(flavor, links, at(minor), shows)).toEqual({
      id: '42',
      name: 'm1.nano',
      ram: 64,
      disk: 1,
      'OS-FLV-EXT-DATA:ephemeral': 0,
      'OS-FLV-DISABLED:disabled': false,
      vcpus: 1,
      'os-flavor-access:is_public': true,
      rxtx_factor: 1,
      links: links.pair(),
      ...more,
    });
  });

  test('swap that there is stays a number', () => {
    expect(flavorView({ ...flavor, swap_mb: 512 }, links, at(1), true)).toHaveProperty('swap', 512);
  });
});

describe('service', () => {
  const row: ServiceRow = {
    id: 4,
    uuid: 'u-4',
    binary_name: 'nova-compute',
    host: 'compute1',
    zone: 'nova',
    disabled: true,
    disabled_reason: 'maintenance',
    forced_down: false,
    is_up: false,
    updated_at: null,
  };
  test.each([
    [1, { id: 4 }],
    [11, { id: 4, forced_down: false }],
    [53, { id: 'u-4', forced_down: false }],
  ])('at 2.%i', (minor, more) => {
    expect(serviceView(row, at(minor))).toEqual({
      binary: 'nova-compute',
      host: 'compute1',
      zone: 'nova',
      status: 'disabled',
      state: 'down',
      updated_at: null,
      disabled_reason: 'maintenance',
      ...more,
    });
  });
});

describe('hypervisor', () => {
  const row: HypervisorRow = {
    id: 1,
    uuid: 'h-1',
    hypervisor_hostname: 'compute1',
    hypervisor_type: 'fake',
    hypervisor_version: 1000,
    host_ip: '127.0.1.1',
    is_up: true,
    disabled: false,
    disabled_reason: null,
    service_id: 3,
    service_uuid: 's-3',
    service_host: 'compute1',
    vcpus: 8,
    memory_mb: 1024,
    local_gb: 100,
    vcpus_used: 2,
    memory_mb_used: 640,
    local_gb_used: 3,
    disk_available_least: 90,
    current_workload: 1,
    running_vms: 2,
    cpu_info: { arch: 'x86_64' },
    uptime: 'up 3 days',
    servers: [{ name: 'instance-00000001', uuid: 'i' }],
  };

  test.each([
    [1, 1],
    [52, 1],
    [53, 'h-1'],
  ])('at 2.%i has the id %s', (minor, id) => {
    expect(hypervisorSummary(row, at(minor))).toEqual({
      id,
      hypervisor_hostname: 'compute1',
      state: 'up',
      status: 'enabled',
    });
  });

  test.each([
    [1, { service: { id: 3 }, cpu_info: '{"arch":"x86_64"}', free_ram_mb: 384, free_disk_gb: 97 }],
    [28, { service: { id: 3 }, cpu_info: { arch: 'x86_64' } }],
    [53, { service: { id: 's-3' } }],
    [88, { service: { id: 's-3' }, uptime: 'up 3 days' }],
  ])('in full at 2.%i', (minor, expected) => {
    expect(hypervisorView(row, at(minor))).toMatchObject(expected);
  });

  test('shows figures or the uptime, never both', () => {
    expect(hypervisorView(row, at(87))).not.toHaveProperty('uptime');
    const newest = hypervisorView(row, at(88));
    for (const figure of ['vcpus', 'memory_mb', 'free_ram_mb', 'running_vms', 'cpu_info'])
      expect(newest).not.toHaveProperty(figure);
  });

  test.each([
    [1, row.servers, { servers: row.servers }],
    [74, [], {}],
    [75, [], { servers: [] }],
  ])('at 2.%i shows servers %j', (minor, servers, expected) => {
    expect(hypervisorServers({ ...row, servers }, at(minor))).toEqual(expected);
  });

  test('statistics leave out hosts whose service is disabled', () => {
    const sums = hypervisorStatistics([row, { ...row, vcpus: 4 }, { ...row, vcpus: 1000, disabled: true }]);
    expect(sums).toMatchObject({ count: 2, vcpus: 12, memory_mb_used: 1280, free_ram_mb: 768 });
  });
});
