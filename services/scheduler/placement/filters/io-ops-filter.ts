import type { Filter } from './filter.ts';
import { fewerThan, type Limit } from './limit-rule.ts';

export const ioOperationsLimit: Limit = {
  column: 'io_operations',
  code: 'io_operations',
  message: 'has {available} disk-heavy operations under way, allowed are fewer than {asked}',
};

/** Fewer than `max_io_ops_per_host` builds, moves and other disk-heavy operations under way. */
export const IoOpsFilter: Filter = {
  name: 'IoOpsFilter',
  prepare: ({ settings }) => fewerThan(ioOperationsLimit, settings.filter_scheduler.max_io_ops_per_host),
};
