import type { Filter } from './filter.ts';
import { overcommitRule } from './overcommit-rule.ts';

/** Enough virtual CPUs after the allocation ratio. Nova removed it in favour of its placement service; still honoured when named. */
export const CoreFilter: Filter = {
  name: 'CoreFilter',
  prepare: ({ request }) =>
    overcommitRule('VCPU', request.flavor.vcpus, { ratio_key: null, against_itself: true }),
};
