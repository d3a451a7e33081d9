import { randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { inTransaction } from '../../../shared/database/connect.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import { lastValue, limitSchema, validateQuery, type QuerySchema } from '../http/validate.ts';
import { projectPolicies } from '../policies/project-policies.ts';
import { lockQuota, readLimit } from '../queries/quota-usage.ts';
import {
  countServerGroups,
  deleteServerGroup,
  insertServerGroup,
  listServerGroups,
  requireServerGroup,
} from '../queries/server-groups.ts';
import type { ApiServices } from '../services.ts';
import { serverGroupView } from '../views/server-group-view.ts';
import { readGroupBody } from './server-group-body.ts';
import { allow, versionCheck } from './server-access.ts';

const listQuery = (is_strict: boolean): QuerySchema => ({
  parameters: { all_projects: { type: 'string' }, limit: limitSchema, offset: limitSchema },
  allows_others: !is_strict,
});

/** More groups than anybody has: a larger offset shows the same nothing. */
const OFFSET_MAX = 2_147_483_647;

type OfGroup = { Params: { id: string } };

/** /os-server-groups: servers that should share a host, or must not. */
export function registerServerGroupRoutes(app: FastifyInstance, services: ApiServices): void {
  app.get('/os-server-groups', async (request) => {
    const atLeast = versionCheck(request);
    const query = validateQuery(listQuery(atLeast(75)), request.query);
    allow(services, request, projectPolicies.server_groups);
    const { is_admin, project_id } = request.caller;
    // Asked by others than administrators, the parameter changes nothing, as in Nova.
    const all = is_admin && query['all_projects'] !== undefined;
    if (all) allow(services, request, projectPolicies.server_groups_of_all);
    const { max_limit } = services.configuration.api;
    const rows = await listServerGroups(services.pool, {
      project_id: all ? null : project_id,
      // Here, unlike elsewhere, Nova reads 0 as "no limit".
      limit: Math.min(Number(lastValue(query, 'limit') ?? 0) || max_limit, max_limit),
      offset: Math.min(Number(lastValue(query, 'offset') ?? 0), OFFSET_MAX),
    });
    return { server_groups: rows.map((row) => serverGroupView(row, atLeast)) };
  });

  app.get<OfGroup>('/os-server-groups/:id', async (request) => {
    const row = await requireServerGroup(services.pool, request.params.id, request.caller);
    allow(services, request, projectPolicies.server_group, row);
    return { server_group: serverGroupView(row, versionCheck(request)) };
  });

  app.post('/os-server-groups', async (request) => {
    const group = readGroupBody(request.body, request.microversion);
    allow(services, request, projectPolicies.create_server_group);
    if (group.max_server_per_host !== null && group.policy !== 'anti-affinity')
      throw new DroverError('server_group_rules_refused');
    const { project_id, user_id } = request.caller;
    const row = await inTransaction(services.pool, async (transaction) => {
      await lockQuota(transaction, project_id);
      const limit = await readLimit(transaction, project_id, 'server_groups', services.configuration.quota);
      if (limit >= 0 && (await countServerGroups(transaction, project_id)) >= limit)
        throw new DroverError('server_group_limit');
      return insertServerGroup(transaction, { uuid: randomUUID(), project_id, user_id, ...group });
    });
    return { server_group: serverGroupView(row, versionCheck(request)) };
  });

  app.delete<OfGroup>('/os-server-groups/:id', async (request, reply) => {
    const row = await requireServerGroup(services.pool, request.params.id, request.caller);
    allow(services, request, projectPolicies.delete_server_group, row);
    await deleteServerGroup(services.pool, row.uuid);
    return reply.code(204).send();
  });
}
