import type { Weigher } from './weigher.ts';

/** More free virtual CPUs, after the allocation ratio, are better. */
export const CPUWeigher: Weigher = {
  name: 'CPUWeigher',
  multiplier: ({ filter_scheduler }) => filter_scheduler.cpu_weight_multiplier,
  aggregate_key: 'cpu_weight_multiplier',
  minimum: 0,
  prepare: () => ({ reads: 'columns', values: (columns) => columns.number('free_vcpus') }),
};
