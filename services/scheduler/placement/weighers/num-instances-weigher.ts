import type { Weigher } from './weigher.ts';

/** More servers on the host are better with a positive multiplier, fewer with a negative one; off by default. */
export const NumInstancesWeigher: Weigher = {
  name: 'NumInstancesWeigher',
  multiplier: ({ filter_scheduler }) => filter_scheduler.num_instances_weight_multiplier,
  aggregate_key: 'num_instances_weight_multiplier',
  prepare: () => ({ reads: 'columns', values: (columns) => columns.number('instances') }),
};
