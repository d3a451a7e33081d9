import type { Weigher } from './weigher.ts';

/** Newer hypervisors first, so that a server does not move to an older one. */
export const HypervisorVersionWeigher: Weigher = {
  name: 'HypervisorVersionWeigher',
  multiplier: ({ filter_scheduler }) => filter_scheduler.hypervisor_version_weight_multiplier,
  aggregate_key: 'hypervisor_version_weight_multiplier',
  prepare: () => ({ reads: 'columns', values: (columns) => columns.number('hypervisor_version') }),
};
