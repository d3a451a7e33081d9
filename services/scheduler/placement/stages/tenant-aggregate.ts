import type { HostClass } from '../host-class.ts';
import type { Filter } from '../filters/filter.ts';

const keyPrefix = 'filter_tenant_id';

/**
 * Nova's pre-filter `require_tenant_aggregate`: a project for which some aggregate names `filter_tenant_id…` uses hosts
 * of such aggregates only. With `placement_aggregate_required_for_tenants` a project without one has no hosts.
 */
export const tenantAggregate: Filter = {
  name: 'TenantAggregate',
  prepare: ({ request, settings }) => ({
    reads: 'columns',
    bind: ({ classes, host_class }) => {
      const belongs = classes.all.map((host) => isFor(host, request.project_id));
      const wanted = belongs.includes(true) || settings.scheduler.placement_aggregate_required_for_tenants;
      return {
        reasons: [
          {
            code: 'not_for_project',
            message: 'is in no aggregate of project {asked}',
            asked: request.project_id,
          },
        ],
        reason: (row) => (!wanted || belongs[host_class[row] ?? 0] === true ? -1 : 0),
        available: () => undefined,
      };
    },
  }),
};

function isFor({ aggregates }: HostClass, project: string): boolean {
  return aggregates.some(({ metadata }) =>
    Object.entries(metadata).some(([key, value]) => key.startsWith(keyPrefix) && value === project),
  );
}
