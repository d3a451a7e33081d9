import fc from 'fast-check';
import { hostName, instanceId } from '../../../../shared/domain/ids.ts';
import type { HostState, PlacementRequest } from '../../../../services/scheduler/placement/model.ts';
import type { PlacementSettings } from '../../../../services/scheduler/placement/settings.ts';
import { filters } from '../../../../services/scheduler/placement/filters/registry.ts';
import { host, request, settings } from './builders.ts';

const inventory = (total: number) =>
  fc.record({
    total: fc.integer({ min: 0, max: total }),
    reserved: fc.integer({ min: 0, max: 3 }),
    allocation_ratio: fc.constantFrom(0.9, 1, 1.5, 16),
    max_unit: fc.integer({ min: 0, max: total }),
    used: fc.integer({ min: 0, max: total }),
  });

const metadata = fc.dictionary(
  fc.constantFrom(
    'ssd',
    'max_io_ops_per_host',
    'cpu_allocation_ratio',
    'ram_weight_multiplier',
    'os',
    'instance_type',
  ),
  fc.constantFrom('1', '2', 'linux', 'm1.small', 'x, y'),
  { maxKeys: 2 },
);

/** A host with small numbers, so that hosts often tie, just fit and just do not. */
const anyHost = fc
  .record({
    up: fc.boolean(),
    enabled: fc.constantFrom(true, true, true, false),
    disabled_reason: fc.constantFrom(null, 'rack 3', 'fan'),
    vcpu: inventory(8),
    memory: inventory(4096),
    disk: inventory(100),
    aggregates: fc.array(metadata, { maxLength: 2 }),
    zone: fc.constantFrom('nova', 'az1'),
    io_operations: fc.integer({ min: 0, max: 10 }),
    failed_builds: fc.integer({ min: 0, max: 1 }),
    architecture: fc.constantFrom('x86_64', 'aarch64'),
    instances: fc.subarray(['i1', 'i2', 'i3']),
    has_cells: fc.boolean(),
  })
  .map(({ vcpu, memory, disk, aggregates, zone, architecture, instances, has_cells, ...rest }) => {
    let built = host('').vcpu(vcpu).memory(memory).disk(disk).zone(zone).with(rest);
    built = built.with({ supported_instances: [[architecture, 'kvm', 'hvm']] });
    for (const each of aggregates) built = built.aggregate(each);
    for (const each of instances) built = built.instance(each, { os: 'linux' });
    return (has_cells ? built.numa() : built).state;
  });

/** A handful of hosts with names of their own. */
export const anyHosts: fc.Arbitrary<readonly HostState[]> = fc
  .array(anyHost, { minLength: 1, maxLength: 12 })
  .map((hosts) =>
    hosts.map((state, index) => ({
      ...state,
      id: index + 1,
      name: hostName(`c${index}`),
      aggregates: state.aggregates.map((aggregate, place) => ({ ...aggregate, id: index * 10 + place })),
    })),
  );

export const anyRequest: fc.Arbitrary<PlacementRequest> = fc
  .record({
    vcpus: fc.integer({ min: 1, max: 6 }),
    memory_mb: fc.integer({ min: 1, max: 3000 }),
    root_gb: fc.integer({ min: 0, max: 60 }),
    extra_specs: fc.dictionary(
      fc.constantFrom('ssd', 'hw:numa_nodes', 'capabilities:hypervisor_type', 'capabilities:num_instances'),
      fc.constantFrom('1', 'QEMU', '>= 0'),
      { maxKeys: 2 },
    ),
    image_properties: fc.dictionary(
      fc.constantFrom('hw_architecture', 'os'),
      fc.constantFrom('x86_64', 'linux'),
      {
        maxKeys: 1,
      },
    ),
    zone: fc.constantFrom(null, null, 'az1'),
    policy: fc.constantFrom(null, 'affinity', 'anti-affinity', 'soft-affinity', 'soft-anti-affinity'),
    members: fc.dictionary(fc.constantFrom('i1', 'i2', 'me'), fc.subarray(['c0', 'c1', 'c2']), {
      maxKeys: 3,
    }),
    requested: fc.constantFrom(null, null, null, 'c1'),
    ignored: fc.subarray(['c0', 'C1', 'c2']),
    hints: fc.dictionary(fc.constantFrom('different_host', 'same_host'), fc.constantFrom('i1', 'i2'), {
      maxKeys: 1,
    }),
  })
  .map(
    ({
      vcpus,
      memory_mb,
      root_gb,
      extra_specs,
      policy,
      members,
      zone,
      requested,
      ignored,
      hints,
      ...rest
    }) => {
      let built = request().flavor({ vcpus, memory_mb, root_gb, extra_specs });
      if (policy !== null) built = built.group(policy, members);
      return built.with({
        ...rest,
        hints,
        instance_id: instanceId('me'),
        availability_zone: zone,
        requested_host: requested === null ? null : hostName(requested),
        ignore_hosts: ignored.map(hostName),
      }).request;
    },
  );

export const anySettings: fc.Arbitrary<PlacementSettings> = fc
  .record({
    enabled_filters: fc.constantFrom(
      settings().filter_scheduler.enabled_filters,
      [...filters.keys()],
      [] as string[],
    ),
    host_subset_size: fc.constantFrom(1, 1, 2, 5, 100),
    shuffle_best_same_weighed_hosts: fc.boolean(),
    cpu_weight_multiplier: fc.constantFrom(1, -1, 0),
    build_failure_weight_multiplier: fc.constantFrom(0, 10),
  })
  .map((change) => settings(change));

export const anySeed = fc.string({ maxLength: 8 });
