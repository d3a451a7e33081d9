import type { Weigher } from './weigher.ts';

/** More free memory is better: spreads servers; a negative multiplier stacks them. */
export const RAMWeigher: Weigher = {
  name: 'RAMWeigher',
  multiplier: ({ filter_scheduler }) => filter_scheduler.ram_weight_multiplier,
  aggregate_key: 'ram_weight_multiplier',
  minimum: 0,
  prepare: () => ({ reads: 'columns', values: (columns) => columns.number('free_memory_mb') }),
};
