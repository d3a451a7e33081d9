import type { FastifyInstance } from 'fastify';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import type { Microversion } from '../http/microversion.ts';
import { nextLinks, pageLimit } from '../http/pagination.ts';
import { lastValue, limitSchema, validateQuery, type QuerySchema } from '../http/validate.ts';
import { serverPolicies } from '../policies/server-policies.ts';
import {
  findInstanceAction,
  listInstanceActionEvents,
  listInstanceActions,
} from '../queries/instance-actions.ts';
import type { ApiServices } from '../services.ts';
import { instanceActionEventView, instanceActionView } from '../views/instance-action-view.ts';
import { allow, allows, requireServer, versionCheck } from './server-access.ts';
import { timeOf } from './server-search.ts';

function querySchema(version: Microversion): QuerySchema {
  if (!version.atLeast(2, 58)) return { parameters: {}, allows_others: true };
  const time = { type: 'string', format: 'date-time' } as const;
  return {
    parameters: {
      limit: limitSchema,
      marker: { type: 'string' },
      'changes-since': time,
      ...(version.atLeast(2, 66) ? { 'changes-before': time } : {}),
    },
    allows_others: false,
  };
}

/** /servers/{id}/os-instance-actions: what was asked of a server, and what happened then. Readable after its deletion from 2.21 on. */
export function registerInstanceActionRoutes(app: FastifyInstance, services: ApiServices): void {
  app.get<{ Params: { server_id: string } }>('/servers/:server_id/os-instance-actions', async (request) => {
    const { microversion } = request;
    const query = validateQuery(querySchema(microversion), request.query);
    const changes_since = timeOf(lastValue(query, 'changes-since')) ?? null;
    const changes_before = timeOf(lastValue(query, 'changes-before')) ?? null;
    if (changes_since !== null && changes_before !== null && changes_since > changes_before)
      throw new DroverError('changes_range_empty');
    const server = await requireServer(services, request, request.params.server_id, {
      with_deleted: microversion.atLeast(2, 21),
    });
    allow(services, request, serverPolicies.actions, server);
    const hasPages = microversion.atLeast(2, 58);
    const limit = pageLimit(lastValue(query, 'limit'), services.configuration.api.max_limit);
    const rows = await listInstanceActions(services.pool, server.uuid, {
      limit: hasPages ? limit : null,
      marker: lastValue(query, 'marker') ?? null,
      changes_since,
      changes_before,
    });
    const links = hasPages
      ? nextLinks(
          request,
          `servers/${server.uuid}/os-instance-actions`,
          { items: rows.length, limit, last_id: rows.at(-1)?.request_id },
          services.configuration.api.compute_link_prefix,
        )
      : undefined;
    const atLeast = versionCheck(request);
    return {
      instanceActions: rows.map((row) => instanceActionView(row, atLeast)),
      ...(links === undefined ? {} : { links }),
    };
  });

  app.get<{ Params: { server_id: string; request_id: string } }>(
    '/servers/:server_id/os-instance-actions/:request_id',
    async (request) => {
      const { microversion } = request;
      const server = await requireServer(services, request, request.params.server_id, {
        with_deleted: microversion.atLeast(2, 21),
      });
      allow(services, request, serverPolicies.action, server);
      const row = await findInstanceAction(services.pool, server.uuid, request.params.request_id);
      if (row === null)
        throw new DroverError('action_record_not_found', { request: request.params.request_id });
      const atLeast = versionCheck(request);
      const shows_traceback = allows(services, request, serverPolicies.action_events, server);
      const instanceAction = instanceActionView(row, atLeast);
      if (shows_traceback || atLeast(51)) {
        const shows_details = atLeast(84) && allows(services, request, serverPolicies.action_details, server);
        const options = { atLeast, project_id: server.project_id, shows_traceback, shows_details };
        const events = await listInstanceActionEvents(services.pool, row.id);
        instanceAction['events'] = events.map((event) => instanceActionEventView(event, options));
      }
      return { instanceAction };
    },
  );
}
