import type { Filter } from './filter.ts';
import { overcommitRule } from './overcommit-rule.ts';

/** DiskFilter with the least `disk_allocation_ratio` of the host's aggregates. */
export const AggregateDiskFilter: Filter = {
  name: 'AggregateDiskFilter',
  prepare: ({ request }) =>
    overcommitRule('DISK_GB', request.resources.DISK_GB ?? 0, {
      ratio_key: 'disk_allocation_ratio',
      against_itself: false,
    }),
};
