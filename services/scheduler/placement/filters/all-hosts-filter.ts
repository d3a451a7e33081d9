import type { Filter } from './filter.ts';

/** Passes every host. */
export const AllHostsFilter: Filter = { name: 'AllHostsFilter', prepare: () => null };
