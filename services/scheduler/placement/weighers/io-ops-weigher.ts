import type { Weigher } from './weigher.ts';

/** Fewer builds and moves under way are better: the default multiplier is negative. */
export const IoOpsWeigher: Weigher = {
  name: 'IoOpsWeigher',
  multiplier: ({ filter_scheduler }) => filter_scheduler.io_ops_weight_multiplier,
  aggregate_key: 'io_ops_weight_multiplier',
  prepare: () => ({ reads: 'columns', values: (columns) => columns.number('io_operations') }),
};
