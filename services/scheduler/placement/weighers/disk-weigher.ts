import type { Weigher } from './weigher.ts';

/** More free disk is better: the smaller of what is not claimed and what the file system has. */
export const DiskWeigher: Weigher = {
  name: 'DiskWeigher',
  multiplier: ({ filter_scheduler }) => filter_scheduler.disk_weight_multiplier,
  aggregate_key: 'disk_weight_multiplier',
  minimum: 0,
  prepare: () => ({ reads: 'columns', values: (columns) => columns.number('free_disk_mb') }),
};
