import type { Filter } from './filter.ts';
import { fewerThan, type Limit } from './limit-rule.ts';

export const instancesLimit: Limit = {
  column: 'instances',
  code: 'too_many_instances',
  message: 'has {available} instances, allowed are fewer than {asked}',
};

/** Fewer than `max_instances_per_host` instances on the host. */
export const NumInstancesFilter: Filter = {
  name: 'NumInstancesFilter',
  prepare: ({ settings }) => fewerThan(instancesLimit, settings.filter_scheduler.max_instances_per_host),
};
