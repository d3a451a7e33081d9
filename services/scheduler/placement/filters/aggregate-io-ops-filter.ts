import type { Filter } from './filter.ts';
import { ioOperationsLimit } from './io-ops-filter.ts';
import { fewerThanInAggregates } from './limit-rule.ts';

/** IoOpsFilter with the least `max_io_ops_per_host` of the host's aggregates. */
export const AggregateIoOpsFilter: Filter = {
  name: 'AggregateIoOpsFilter',
  prepare: ({ settings }) =>
    fewerThanInAggregates(
      ioOperationsLimit,
      'max_io_ops_per_host',
      settings.filter_scheduler.max_io_ops_per_host,
    ),
};
