import type { FastifyInstance, FastifyRequest } from 'fastify';
import { nextLinks } from '../http/pagination.ts';
import { serverPolicies } from '../policies/server-policies.ts';
import { listServerNames, listServers } from '../queries/list-servers.ts';
import type { ApiServices } from '../services.ts';
import {
  serverSummary,
  serverView,
  type ServerViewKind,
  type ServerViewOptions,
} from '../views/server-view.ts';
import { allow, allows, linksOf, requireServer, versionCheck, type PolicySubject } from './server-access.ts';
import { readServerSearch } from './server-search.ts';

/** GET /servers, /servers/detail and /servers/{id}. */
export function registerServerRoutes(app: FastifyInstance, services: ApiServices): void {
  app.get('/servers', async (request) => {
    const wanted = readServerSearch(services, request, 'index');
    allow(services, request, serverPolicies.index);
    if (wanted === null) return { servers: [] };
    const rows = await listServerNames(services.pool, wanted.search, wanted.page);
    const links = linksOf(services, request);
    return {
      servers: rows.map((row) => serverSummary(row, links)),
      ...pageLinks(services, request, 'servers', rows, wanted.page.limit),
    };
  });

  app.get('/servers/detail', async (request) => {
    const wanted = readServerSearch(services, request, 'detail');
    allow(services, request, serverPolicies.detail);
    if (wanted === null) return { servers: [] };
    const silence = services.configuration.DEFAULT.service_down_time;
    const rows = await listServers(services.pool, wanted.search, wanted.page, silence);
    const options = serverViewOptions(services, request, 'detail');
    return {
      servers: rows.map((row) => serverView(row, options)),
      ...pageLinks(services, request, 'servers/detail', rows, wanted.page.limit),
    };
  });

  app.get<{ Params: { server_id: string } }>('/servers/:server_id', async (request) => {
    const server = await requireServer(services, request, request.params.server_id);
    allow(services, request, serverPolicies.show, server);
    return { server: serverView(server, serverViewOptions(services, request, 'show', server)) };
  });
}

/**
 * What this caller sees of servers at this microversion. Rules that only leave keys out are asked once per request:
 * for one server with its project as target, for a list with the caller's own, as Nova does.
 */
export function serverViewOptions(
  services: ApiServices,
  request: FastifyRequest,
  kind: ServerViewKind,
  target?: PolicySubject,
): ServerViewOptions {
  const atLeast = versionCheck(request);
  const shows_host_status = atLeast(16) && allows(services, request, serverPolicies.host_status, target);
  return {
    kind,
    links: linksOf(services, request),
    atLeast,
    is_admin: request.caller.is_admin,
    shows_host_attributes: allows(services, request, serverPolicies.host_attributes, target),
    shows_host_status,
    shows_unknown_host_status:
      atLeast(16) &&
      !shows_host_status &&
      allows(services, request, serverPolicies.unknown_host_status, target),
    shows_extra_specs: atLeast(47) && allows(services, request, serverPolicies.extra_specs, target),
  };
}

function pageLinks(
  services: ApiServices,
  request: FastifyRequest,
  path: string,
  rows: readonly { readonly uuid: string }[],
  limit: number,
): { servers_links?: unknown } {
  const links = nextLinks(
    request,
    path,
    { items: rows.length, limit, last_id: rows.at(-1)?.uuid },
    services.configuration.api.compute_link_prefix,
  );
  return links === undefined ? {} : { servers_links: links };
}
