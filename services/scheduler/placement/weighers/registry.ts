import { BuildFailureWeigher } from './build-failure-weigher.ts';
import { CPUWeigher } from './cpu-weigher.ts';
import { DiskWeigher } from './disk-weigher.ts';
import { HypervisorVersionWeigher } from './hypervisor-version-weigher.ts';
import { IoOpsWeigher } from './io-ops-weigher.ts';
import { NumInstancesWeigher } from './num-instances-weigher.ts';
import { RAMWeigher } from './ram-weigher.ts';
import type { Weigher } from './weigher.ts';

/** Every weigher, by Nova's class name, in the order in which weights are added up. */
export const weighers: ReadonlyMap<string, Weigher> = new Map(
  [
    BuildFailureWeigher,
    CPUWeigher,
    DiskWeigher,
    HypervisorVersionWeigher,
    IoOpsWeigher,
    NumInstancesWeigher,
    RAMWeigher,
  ].map((weigher) => [weigher.name, weigher]),
);
