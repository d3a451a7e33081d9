import { aggregateListValues } from './aggregate-metadata.ts';
import { oncePer, pass, reject, type Filter } from './filter.ts';

/** Hosts whose aggregates name projects under `filter_tenant_id` take servers of these only. */
export const AggregateMultiTenancyIsolation: Filter = {
  name: 'AggregateMultiTenancyIsolation',
  prepare: ({ request }) => ({
    reads: 'class',
    metadata_key: 'filter_tenant_id',
    check: oncePer(
      (host) => host.aggregates,
      (host) => {
        const allowed = aggregateListValues(host, 'filter_tenant_id');
        return allowed.length === 0 || allowed.includes(request.project_id)
          ? pass
          : reject('other_projects_only', 'is kept for other projects than {asked}', {
              asked: request.project_id,
            });
      },
    ),
  }),
};
