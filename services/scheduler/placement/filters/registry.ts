import { AggregateCoreFilter } from './aggregate-core-filter.ts';
import { AggregateDiskFilter } from './aggregate-disk-filter.ts';
import { AggregateImagePropertiesIsolation } from './aggregate-image-properties-isolation.ts';
import { AggregateInstanceExtraSpecsFilter } from './aggregate-instance-extra-specs-filter.ts';
import { AggregateIoOpsFilter } from './aggregate-io-ops-filter.ts';
import { AggregateMultiTenancyIsolation } from './aggregate-multi-tenancy-isolation.ts';
import { AggregateNumInstancesFilter } from './aggregate-num-instances-filter.ts';
import { AggregateRamFilter } from './aggregate-ram-filter.ts';
import { AggregateTypeAffinityFilter } from './aggregate-type-affinity-filter.ts';
import { AllHostsFilter } from './all-hosts-filter.ts';
import { AvailabilityZoneFilter } from './availability-zone-filter.ts';
import { ComputeCapabilitiesFilter } from './compute-capabilities-filter.ts';
import { ComputeFilter } from './compute-filter.ts';
import { CoreFilter } from './core-filter.ts';
import { DifferentHostFilter } from './different-host-filter.ts';
import { DiskFilter } from './disk-filter.ts';
import { ImagePropertiesFilter } from './image-properties-filter.ts';
import { IoOpsFilter } from './io-ops-filter.ts';
import { IsolatedHostsFilter } from './isolated-hosts-filter.ts';
import { JsonFilter } from './json-filter.ts';
import { MetricsFilter } from './metrics-filter.ts';
import { NumInstancesFilter } from './num-instances-filter.ts';
import { NUMATopologyFilter } from './numa-topology-filter.ts';
import { PciPassthroughFilter } from './pci-passthrough-filter.ts';
import { RamFilter } from './ram-filter.ts';
import { RetryFilter } from './retry-filter.ts';
import { SameHostFilter } from './same-host-filter.ts';
import { ServerGroupAffinityFilter } from './server-group-affinity-filter.ts';
import { ServerGroupAntiAffinityFilter } from './server-group-anti-affinity-filter.ts';
import { SimpleCIDRAffinityFilter } from './simple-cidr-affinity-filter.ts';
import type { Filter } from './filter.ts';

/** Every filter that can be enabled, by Nova's class name. */
export const filters: ReadonlyMap<string, Filter> = new Map(
  [
    AggregateCoreFilter,
    AggregateDiskFilter,
    AggregateImagePropertiesIsolation,
    AggregateInstanceExtraSpecsFilter,
    AggregateIoOpsFilter,
    AggregateMultiTenancyIsolation,
    AggregateNumInstancesFilter,
    AggregateRamFilter,
    AggregateTypeAffinityFilter,
    AllHostsFilter,
    AvailabilityZoneFilter,
    ComputeCapabilitiesFilter,
    ComputeFilter,
    CoreFilter,
    DifferentHostFilter,
    DiskFilter,
    ImagePropertiesFilter,
    IoOpsFilter,
    IsolatedHostsFilter,
    JsonFilter,
    MetricsFilter,
    NUMATopologyFilter,
    NumInstancesFilter,
    PciPassthroughFilter,
    RamFilter,
    RetryFilter,
    SameHostFilter,
    ServerGroupAffinityFilter,
    ServerGroupAntiAffinityFilter,
    SimpleCIDRAffinityFilter,
  ].map((rule) => [rule.name, rule]),
);
