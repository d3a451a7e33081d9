import type { Filter } from './filter.ts';
import { overcommitRule } from './overcommit-rule.ts';

/** CoreFilter with the least `cpu_allocation_ratio` of the host's aggregates. */
export const AggregateCoreFilter: Filter = {
  name: 'AggregateCoreFilter',
  prepare: ({ request }) =>
    overcommitRule('VCPU', request.flavor.vcpus, { ratio_key: 'cpu_allocation_ratio', against_itself: true }),
};
