import { describe, expect, test } from 'vitest';
import type { AggregateRow } from '../../../services/api/queries/aggregates.ts';
import type { HostResources } from '../../../services/api/queries/hosts.ts';
import type { ServiceRow } from '../../../services/api/queries/services.ts';
import { aggregateView, newAggregateView } from '../../../services/api/views/aggregate-view.ts';
import { zoneSummaries, zoneViews } from '../../../services/api/views/availability-zone-view.ts';
import { hostSummary, hostView } from '../../../services/api/views/host-view.ts';

const at = (minor: number) => (wanted: number) => minor >= wanted;

function service(host: string, change: Partial<ServiceRow> = {}): ServiceRow {
  return {
    id: 1,
    uuid: 'u',
    binary_name: 'nova-compute',
    host,
    zone: 'nova',
    disabled: false,
    disabled_reason: null,
    forced_down: false,
    is_up: true,
    updated_at: new Date('2026-11-21T08:53:44.5Z'),
    ...change,
  };
}

describe('aggregate', () => {
  const row: AggregateRow = {
    id: 7,
    uuid: '71b027ad-52b7-43da-99fb-db7063caf00e',
    name: 'ssd',
    hosts: ['compute2'],
    metadata: { availability_zone: 'east', ssd: 'true' },
    created_at: new Date('2026-11-21T08:53:49.394Z'),
    updated_at: null,
  };

  test.each([
    [1, undefined],
    [40, undefined],
    [41, row.uuid],
    [93, row.uuid],
  ])('has a uuid from 2.41 on: 2.%i', (minor, uuid) => {
    expect(aggregateView(row, at(minor))).toEqual({
      id: 7,
      ...(uuid === undefined ? {} : { uuid }),
      name: 'ssd',
      hosts: ['compute2'],
      metadata: { availability_zone: 'east', ssd: 'true' },
      created_at: '2026-11-21T08:53:49.394000',
      updated_at: null,
      deleted_at: null,
      deleted: false,
      availability_zone: 'east',
    });
  });

  test('just made, it shows neither hosts nor metadata', () => {
    const made = newAggregateView({ ...row, metadata: {} }, at(1));
    expect(made).not.toHaveProperty('hosts');
    expect(made).not.toHaveProperty('metadata');
    expect(made).toHaveProperty('availability_zone', null);
  });
});

describe('availability zones', () => {
  const rows = [
    service('vm', { binary_name: 'nova-scheduler', zone: 'internal' }),
    service('compute1', { zone: 'west' }),
    service('compute2', { zone: 'east', disabled: true }),
    service('compute3', { zone: 'west', disabled: true }),
    service('compute4', { zone: 'north', is_up: false, updated_at: null }),
  ];

  test('a zone is available while one of its services is enabled, up or not', () => {
    expect(zoneSummaries(rows)).toEqual([
      { zoneName: 'north', zoneState: { available: true }, hosts: null },
      { zoneName: 'west', zoneState: { available: true }, hosts: null },
      { zoneName: 'east', zoneState: { available: false }, hosts: null },
    ]);
  });

  test('in detail: the internal zone too, enabled services only, no hosts of a closed zone', () => {
    expect(zoneViews(rows)).toEqual([
      {
        zoneName: 'internal',
        zoneState: { available: true },
        hosts: {
          vm: {
            'nova-scheduler': { available: true, active: true, updated_at: '2026-11-21T08:53:44.500000' },
          },
        },
      },
      {
        zoneName: 'north',
        zoneState: { available: true },
        hosts: { compute4: { 'nova-compute': { available: false, active: true, updated_at: null } } },
      },
      {
        zoneName: 'west',
        zoneState: { available: true },
        hosts: {
          compute1: {
            'nova-compute': { available: true, active: true, updated_at: '2026-11-21T08:53:44.500000' },
          },
        },
      },
      { zoneName: 'east', zoneState: { available: false }, hosts: null },
    ]);
  });

  test('several services of one host stand together', () => {
    const [zone] = zoneViews([
      service('vm', { binary_name: 'nova-scheduler', zone: 'internal' }),
      service('vm', { binary_name: 'nova-conductor', zone: 'internal' }),
    ]);
    expect(zone).toMatchObject({ hosts: { vm: { 'nova-scheduler': {}, 'nova-conductor': {} } } });
  });
});

describe('hosts', () => {
  test('a line names the service without its prefix', () => {
    expect(hostSummary(service('compute1'))).toEqual({
      host_name: 'compute1',
      service: 'compute',
      zone: 'nova',
    });
  });

  test('shown: total, used now, the sum of what was promised, then each project', () => {
    const host: HostResources = {
      name: 'compute1',
      total: { vcpus: 8, memory_mb: 16_384, disk_gb: 100 },
      used: { vcpus: 3, memory_mb: 1536, disk_gb: 30 },
      projects: [
        { project_id: 'a', vcpus: 1, memory_mb: 512, disk_gb: 10 },
        { project_id: 'b', vcpus: 2, memory_mb: 512, disk_gb: 20 },
      ],
    };
    const line = (project: string, cpu: number, memory_mb: number, disk_gb: number) => ({
      resource: { host: 'compute1', project, cpu, memory_mb, disk_gb },
    });
    expect(hostView(host)).toEqual({
      host: [
        line('(total)', 8, 16_384, 100),
        line('(used_now)', 3, 1536, 30),
        line('(used_max)', 3, 1024, 30),
        line('a', 1, 512, 10),
        line('b', 2, 512, 20),
      ],
    });
  });
});
