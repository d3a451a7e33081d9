import type { FastifyInstance, FastifyRequest } from 'fastify';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import type { JsonSchema } from '../http/json-schema.ts';
import { requireVersion } from '../http/microversion.ts';
import { nextLinks, pageLimit } from '../http/pagination.ts';
import {
  booleanSchema,
  booleanValue,
  lastValue,
  limitSchema,
  validateQuery,
  type QuerySchema,
} from '../http/validate.ts';
import { servicePolicies } from '../policies/service-policies.ts';
import { listHypervisors, type HypervisorRow, type HypervisorSearch } from '../queries/hypervisors.ts';
import type { ApiServices } from '../services.ts';
import {
  hypervisorServers,
  hypervisorStatistics,
  hypervisorSummary,
  hypervisorView,
} from '../views/hypervisor-view.ts';
import { allow, versionCheck } from './server-access.ts';

const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;
type OfHypervisor = { Params: { id: string } };

/** /os-hypervisors: compute hosts with what they have (facts document, section 1.5). */
export function registerHypervisorRoutes(app: FastifyInstance, services: ApiServices): void {
  app.get('/os-hypervisors', async (request) =>
    listPage(services, request, {
      path: 'os-hypervisors',
      rule: servicePolicies.hypervisors,
      view: hypervisorSummary,
    }),
  );
  app.get('/os-hypervisors/detail', async (request) =>
    listPage(services, request, {
      path: 'os-hypervisors/detail',
      rule: servicePolicies.hypervisors_detail,
      view: hypervisorView,
    }),
  );

  app.get('/os-hypervisors/statistics', async (request) => {
    requireVersion(request.microversion, { last: 87 });
    allow(services, request, servicePolicies.statistics);
    return { hypervisor_statistics: hypervisorStatistics(await find(services, {})) };
  });

  app.get<OfHypervisor>('/os-hypervisors/:id', async (request) => {
    const atLeast = versionCheck(request);
    const query = atLeast(53) ? validateQuery(showQuery(atLeast(75)), request.query) : {};
    allow(services, request, servicePolicies.hypervisor);
    const row = await requireHypervisor(services, request, request.params.id);
    const servers = booleanValue(lastValue(query, 'with_servers')) ? hypervisorServers(row, atLeast) : {};
    return { hypervisor: { ...hypervisorView(row, atLeast), ...servers } };
  });

  app.get<OfHypervisor>('/os-hypervisors/:id/uptime', async (request) => {
    requireVersion(request.microversion, { last: 87 });
    const atLeast = versionCheck(request);
    allow(services, request, servicePolicies.uptime);
    const row = await requireHypervisor(services, request, request.params.id);
    return { hypervisor: { ...hypervisorSummary(row, atLeast), uptime: row.uptime } };
  });

  app.get<OfHypervisor>('/os-hypervisors/:id/search', async (request) => {
    requireVersion(request.microversion, { last: 52 });
    const atLeast = versionCheck(request);
    allow(services, request, servicePolicies.search);
    const rows = await match(services, request.params.id);
    return { hypervisors: rows.map((row) => hypervisorSummary(row, atLeast)) };
  });

  app.get<OfHypervisor>('/os-hypervisors/:id/servers', async (request) => {
    requireVersion(request.microversion, { last: 52 });
    const atLeast = versionCheck(request);
    allow(services, request, servicePolicies.servers);
    const rows = await match(services, request.params.id);
    return {
      hypervisors: rows.map((row) => ({
        ...hypervisorSummary(row, atLeast),
        ...hypervisorServers(row, atLeast),
      })),
    };
  });
}

interface ListWish {
  readonly path: string;
  readonly rule: string;
  readonly view: typeof hypervisorView;
}

async function listPage(services: ApiServices, request: FastifyRequest, wish: ListWish): Promise<object> {
  const atLeast = versionCheck(request);
  const query = validateQuery(listQuery(atLeast), request.query);
  allow(services, request, wish.rule);
  const pattern = atLeast(53) ? lastValue(query, 'hypervisor_hostname_pattern') : undefined;
  const with_servers = atLeast(53) && booleanValue(lastValue(query, 'with_servers'));
  const { max_limit, compute_link_prefix } = services.configuration.api;
  const limit = atLeast(33) ? pageLimit(lastValue(query, 'limit'), max_limit) : undefined;
  const marker = atLeast(33) ? lastValue(query, 'marker') : undefined;
  if (pattern !== undefined && marker !== undefined) {
    throw new DroverError('validation_failed', {
      message:
        'Paging over hypervisors with the hypervisor_hostname_pattern query parameter is not supported.',
    });
  }
  const rows = await find(services, {
    ...(pattern === undefined ? {} : { pattern }),
    ...(marker === undefined ? {} : { after_id: await markerId(services, request, marker) }),
    ...(limit === undefined ? {} : { limit }),
  });
  if (pattern !== undefined && rows.length === 0) throw new DroverError('hypervisor_no_match', { pattern });
  const last = rows.at(-1);
  const last_id = last === undefined ? undefined : String(atLeast(53) ? last.uuid : last.id);
  const links =
    limit === undefined || pattern !== undefined
      ? undefined
      : nextLinks(request, wish.path, { items: rows.length, limit, last_id }, compute_link_prefix);
  return {
    hypervisors: rows.map((row) => ({
      ...wish.view(row, atLeast),
      ...(with_servers ? hypervisorServers(row, atLeast) : {}),
    })),
    ...(links === undefined ? {} : { hypervisors_links: links }),
  };
}

function listQuery(atLeast: (minor: number) => boolean): QuerySchema {
  const text: JsonSchema = { type: 'string' };
  return {
    parameters: {
      ...(atLeast(33) ? { limit: limitSchema, marker: text } : {}),
      ...(atLeast(53) ? { hypervisor_hostname_pattern: text, with_servers: booleanSchema } : {}),
    },
    allows_others: !atLeast(75),
  };
}

const showQuery = (is_strict: boolean): QuerySchema => ({
  parameters: { with_servers: booleanSchema },
  allows_others: !is_strict,
});

function find(services: ApiServices, search: HypervisorSearch): Promise<HypervisorRow[]> {
  return listHypervisors(services.pool, search, services.configuration.DEFAULT.service_down_time);
}

async function match(services: ApiServices, pattern: string): Promise<HypervisorRow[]> {
  const rows = await find(services, { pattern });
  if (rows.length === 0) throw new DroverError('hypervisor_no_match', { pattern });
  return rows;
}

async function byId(
  services: ApiServices,
  request: FastifyRequest,
  id: string,
): Promise<HypervisorRow | null> {
  if (request.microversion.atLeast(2, 53)) {
    if (!UUID.test(id)) throw new DroverError('hypervisor_uuid_invalid', { hypervisor: id });
    return (await find(services, { uuid: id }))[0] ?? null;
  }
  return /^\d{1,9}$/.test(id) ? ((await find(services, { id: Number(id) }))[0] ?? null) : null;
}

async function requireHypervisor(
  services: ApiServices,
  request: FastifyRequest,
  id: string,
): Promise<HypervisorRow> {
  const row = await byId(services, request, id);
  if (row === null) throw new DroverError('hypervisor_not_found', { hypervisor: id });
  return row;
}

async function markerId(services: ApiServices, request: FastifyRequest, marker: string): Promise<number> {
  const row = await byId(services, request, marker);
  if (row === null) throw new DroverError('hypervisor_marker_not_found', { marker });
  return row.id;
}
