import type { Filter } from './filter.ts';
import { overcommitRule } from './overcommit-rule.ts';

/** Enough memory after the allocation ratio. Nova removed it in favour of its placement service; still honoured when named. */
export const RamFilter: Filter = {
  name: 'RamFilter',
  prepare: ({ request }) =>
    overcommitRule('MEMORY_MB', request.flavor.memory_mb, { ratio_key: null, against_itself: true }),
};
