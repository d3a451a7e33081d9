import type { Filter } from './filter.ts';
import { overcommitRule } from './overcommit-rule.ts';

/** Enough disk after the allocation ratio, counting what is claimed. Nova removed it in favour of its placement service; still honoured when named. */
export const DiskFilter: Filter = {
  name: 'DiskFilter',
  prepare: ({ request }) =>
    overcommitRule('DISK_GB', request.resources.DISK_GB ?? 0, { ratio_key: null, against_itself: false }),
};
