import type { Filter } from './filter.ts';
import { overcommitRule } from './overcommit-rule.ts';

/** RamFilter with the least `ram_allocation_ratio` of the host's aggregates. */
export const AggregateRamFilter: Filter = {
  name: 'AggregateRamFilter',
  prepare: ({ request }) =>
    overcommitRule('MEMORY_MB', request.flavor.memory_mb, {
      ratio_key: 'ram_allocation_ratio',
      against_itself: true,
    }),
};
