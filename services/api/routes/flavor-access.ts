import type { FastifyInstance } from 'fastify';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import { bodySchema, validateBody } from '../http/validate.ts';
import { flavorPolicies } from '../policies/flavor-policies.ts';
import { listAccess } from '../queries/flavors.ts';
import { isProject } from '../queries/quotas.ts';
import type { ApiServices } from '../services.ts';
import { requireFlavor } from './flavors.ts';
import { allow } from './server-access.ts';

const tenant = {
  type: 'object',
  properties: { tenant: { type: 'string', minLength: 1, maxLength: 255 } },
  required: ['tenant'],
  additionalProperties: false,
} as const;

interface AccessBody {
  readonly addTenantAccess?: { readonly tenant: string };
  readonly removeTenantAccess?: { readonly tenant: string };
}

const actionBody = bodySchema<AccessBody>({
  type: 'object',
  properties: { addTenantAccess: tenant, removeTenantAccess: tenant },
  minProperties: 1,
  maxProperties: 1,
  additionalProperties: false,
});

type OfFlavor = { Params: { id: string } };

/** Who may use a private flavor. */
export function registerFlavorAccessRoutes(app: FastifyInstance, services: ApiServices): void {
  const view = async (flavor_id: string, id: number) => ({
    flavor_access: (await listAccess(services.pool, id)).map((tenant_id) => ({ flavor_id, tenant_id })),
  });

  app.get<OfFlavor>('/flavors/:id/os-flavor-access', async (request) => {
    allow(services, request, flavorPolicies.access);
    const flavor = await requireFlavor(services, request, request.params.id);
    if (flavor.is_public) throw new DroverError('flavor_is_public');
    return view(flavor.flavor_id, flavor.id);
  });

  app.post<OfFlavor>('/flavors/:id/action', async (request) => {
    const body = validateBody(actionBody, request.body);
    const { addTenantAccess: added, removeTenantAccess: removed } = body;
    allow(services, request, added === undefined ? flavorPolicies.remove_access : flavorPolicies.add_access);
    const flavor = await requireFlavor(services, request, request.params.id);
    if (added !== undefined) {
      if (flavor.is_public) throw new DroverError('flavor_access_public');
      if (!(await isProject(services.pool, added.tenant)))
        throw new DroverError('quota_project_unknown', { project: added.tenant });
      const { rowCount } = await services.pool.query(
        `insert into flavor_projects (flavor_id, project_id) values ($1, $2) on conflict do nothing`,
        [flavor.id, added.tenant],
      );
      if (rowCount === 0) {
        throw new DroverError('flavor_access_exists', { flavor: flavor.flavor_id, project: added.tenant });
      }
    } else if (removed !== undefined) {
      const { rowCount } = await services.pool.query(
        `delete from flavor_projects where flavor_id = $1 and project_id = $2`,
        [flavor.id, removed.tenant],
      );
      if (rowCount === 0) {
        throw new DroverError('flavor_access_not_found', {
          flavor: flavor.flavor_id,
          project: removed.tenant,
        });
      }
    }
    return view(flavor.flavor_id, flavor.id);
  });
}
