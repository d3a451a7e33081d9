import { BuildFailureWeigher } from './build-failure-weigher.ts';
import { CPUWeigher } from './cpu-weigher.ts';
import { CrossCellWeigher } from './cross-cell-weigher.ts';
import { DiskWeigher } from './disk-weigher.ts';
import { HypervisorVersionWeigher } from './hypervisor-version-weigher.ts';
import { ImagePropertiesWeigher } from './image-properties-weigher.ts';
import { IoOpsWeigher } from './io-ops-weigher.ts';
import { MetricsWeigher } from './metrics-weigher.ts';
import { NumInstancesWeigher } from './num-instances-weigher.ts';
import { PCIWeigher } from './pci-weigher.ts';
import { RAMWeigher } from './ram-weigher.ts';
import { ServerGroupSoftAffinityWeigher } from './server-group-soft-affinity-weigher.ts';
import { ServerGroupSoftAntiAffinityWeigher } from './server-group-soft-anti-affinity-weigher.ts';
import type { Weigher } from './weigher.ts';

/** Every weigher, by Nova's class name, in the order in which weights are added up. */
export const weighers: ReadonlyMap<string, Weigher> = new Map(
  [
    BuildFailureWeigher,
    CPUWeigher,
    CrossCellWeigher,
    DiskWeigher,
    HypervisorVersionWeigher,
    ImagePropertiesWeigher,
    IoOpsWeigher,
    MetricsWeigher,
    NumInstancesWeigher,
    PCIWeigher,
    RAMWeigher,
    ServerGroupSoftAffinityWeigher,
    ServerGroupSoftAntiAffinityWeigher,
  ].map((rule) => [rule.name, rule]),
);
