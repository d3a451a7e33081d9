import type { FastifyInstance, FastifyRequest } from 'fastify';
import { inTransaction } from '../../../shared/database/connect.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import type { JsonSchema } from '../http/json-schema.ts';
import {
  booleanSchema,
  booleanValue,
  bodySchema,
  lastValue,
  validateBody,
  validateQuery,
  type QueryValues,
} from '../http/validate.ts';
import { projectPolicies } from '../policies/project-policies.ts';
import { lockQuota } from '../queries/quota-usage.ts';
import {
  defaultLimits,
  isProject,
  quotaResources,
  readLimits,
  readUse,
  resetLimits,
  setLimits,
  type QuotaResource,
} from '../queries/quotas.ts';
import type { ApiServices } from '../services.ts';
import { quotaDetailView, quotaView, shownResources } from '../views/quota-view.ts';
import { allow, versionCheck } from './server-access.ts';

const limit: JsonSchema = {
  type: ['integer', 'string'],
  pattern: '^-?[0-9]+$',
  minimum: -1,
  maximum: 2_147_483_647,
};

type Wish = Readonly<Record<string, number | string>> & { readonly force?: boolean | string };

/** Each version takes the names that it shows. */
const updateBody = (atLeast: (minor: number) => boolean) =>
  bodySchema<{ readonly quota_set: Wish }>({
    type: 'object',
    properties: {
      quota_set: {
        type: 'object',
        properties: {
          ...Object.fromEntries(shownResources(atLeast).map((resource) => [resource, limit])),
          force: booleanSchema,
        },
        additionalProperties: false,
      },
    },
    required: ['quota_set'],
    additionalProperties: false,
  });

type OfProject = { Params: { project_id: string } };

/** /os-quota-sets/{project}: limits of the project's own, else the configuration's. */
export function registerQuotaRoutes(app: FastifyInstance, services: ApiServices): void {
  const { pool, configuration } = services;
  const defaults = configuration.quota;

  app.get<OfProject>('/os-quota-sets/:project_id', async (request) => {
    const id = projectToLookAt(services, request, projectPolicies.quota);
    return { quota_set: quotaView(await readLimits(pool, id, defaults), versionCheck(request), id) };
  });

  app.get<OfProject>('/os-quota-sets/:project_id/detail', async (request) => {
    const id = projectToLookAt(services, request, projectPolicies.quota_detail);
    const [limits, used] = await Promise.all([readLimits(pool, id, defaults), readUse(pool, id, defaults)]);
    return { quota_set: quotaDetailView(limits, used, versionCheck(request), id) };
  });

  app.get<OfProject>('/os-quota-sets/:project_id/defaults', async (request) => {
    const id = projectToLookAt(services, request, projectPolicies.quota_defaults);
    return { quota_set: quotaView(defaultLimits(defaults), versionCheck(request), id) };
  });

  app.get<{ Params: { name: string } }>('/os-quota-class-sets/:name', (request) => {
    allow(services, request, projectPolicies.quota_class);
    const atLeast = versionCheck(request);
    return { quota_class_set: quotaView(defaultLimits(defaults), atLeast, request.params.name) };
  });

  app.put<OfProject>('/os-quota-sets/:project_id', async (request) => {
    const { quota_set } = validateBody(updateBody(versionCheck(request)), request.body);
    const id = projectToChange(services, request, projectPolicies.update_quota);
    if (!(await isProject(pool, id))) throw new DroverError('quota_project_unknown', { project: id });
    await inTransaction(pool, async (transaction) => {
      await lockQuota(transaction, id);
      const wished = wishedLimits(quota_set);
      if (!booleanValue(quota_set.force)) {
        const used = await readUse(transaction, id, defaults);
        for (const [resource, value] of wished)
          if (value >= 0 && value < used[resource])
            throw new DroverError('quota_below_use', { limit: value, resource, used: used[resource] });
      }
      await setLimits(transaction, id, Object.fromEntries(wished));
    });
    return { quota_set: quotaView(await readLimits(pool, id, defaults), versionCheck(request)) };
  });

  app.delete<OfProject>('/os-quota-sets/:project_id', async (request, reply) => {
    const id = projectToChange(services, request, projectPolicies.delete_quota);
    await resetLimits(pool, id);
    return reply.code(202).send();
  });
}

/** What the request sets, in its order. Limits of networks are taken and forgotten: nobody here counts against them. */
function wishedLimits(wish: Wish): ReadonlyArray<readonly [QuotaResource, number]> {
  return Object.entries(wish).flatMap(([name, value]) => {
    const resource = quotaResources.find((one) => one === name);
    return resource === undefined ? [] : [[resource, Number(value)] as const];
  });
}

/** A project is looked at whether or not it exists: an unknown one has the default limits and uses nothing. */
function projectToLookAt(services: ApiServices, request: FastifyRequest<OfProject>, rule: string): string {
  readQuery(request);
  const { project_id } = request.params;
  allow(services, request, rule, { project_id });
  return project_id;
}

/** @throws DroverError quota_per_user_unsupported: setting the project's quota instead would be worse than refusing */
function projectToChange(services: ApiServices, request: FastifyRequest<OfProject>, rule: string): string {
  const query = readQuery(request);
  const { project_id } = request.params;
  allow(services, request, rule, { project_id });
  if (lastValue(query, 'user_id') !== undefined) throw new DroverError('quota_per_user_unsupported');
  return project_id;
}

function readQuery(request: FastifyRequest): QueryValues {
  const allows_others = !request.microversion.atLeast(2, 75);
  return validateQuery({ parameters: { user_id: { type: 'string' } }, allows_others }, request.query);
}
