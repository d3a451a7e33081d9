import { aggregateListValues } from './aggregate-metadata.ts';
import { oncePer, pass, reject, type Filter } from './filter.ts';

/** Hosts whose aggregates name flavors under `instance_type` take servers of these flavors only. */
export const AggregateTypeAffinityFilter: Filter = {
  name: 'AggregateTypeAffinityFilter',
  prepare: ({ request }) => ({
    reads: 'class',
    metadata_key: 'instance_type',
    check: oncePer(
      (host) => host.aggregates,
      (host) => {
        const allowed = aggregateListValues(host, 'instance_type');
        return allowed.length === 0 || allowed.includes(request.flavor.name)
          ? pass
          : reject('other_flavors_only', 'is kept for flavors {available}, asked for {asked}', {
              asked: request.flavor.name,
              available: allowed.join(', '),
            });
      },
    ),
  }),
};
