import type { Filter } from './filter.ts';
import { fewerThanInAggregates } from './limit-rule.ts';
import { instancesLimit } from './num-instances-filter.ts';

/** NumInstancesFilter with the least `max_instances_per_host` of the host's aggregates. */
export const AggregateNumInstancesFilter: Filter = {
  name: 'AggregateNumInstancesFilter',
  prepare: ({ settings }) =>
    fewerThanInAggregates(
      instancesLimit,
      'max_instances_per_host',
      settings.filter_scheduler.max_instances_per_host,
    ),
};
