import type { FastifyInstance, FastifyRequest } from 'fastify';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import type { JsonSchema } from '../http/json-schema.ts';
import { nextLinks, pageLimit } from '../http/pagination.ts';
import { parseTime } from '../http/times.ts';
import { lastValue, limitSchema, validateQuery, type QueryValues } from '../http/validate.ts';
import { projectPolicies } from '../policies/project-policies.ts';
import { isServer, readUsage, type UsagePage } from '../queries/usage.ts';
import type { ApiServices } from '../services.ts';
import { usageView } from '../views/usage-view.ts';
import { allow } from './server-access.ts';

interface Period {
  readonly start: Date;
  readonly stop: Date;
}

/** /os-simple-tenant-usage: hours of servers, for whole projects. Paged by servers from 2.40 on. */
export function registerUsageRoutes(app: FastifyInstance, services: ApiServices): void {
  app.get('/os-simple-tenant-usage', async (request) => {
    const query = readQuery(request);
    allow(services, request, projectPolicies.usages);
    const period = periodOf(query);
    const with_servers = lastValue(query, 'detailed') === '1';
    const page = await read(services, request, query, { ...period, project_id: null, with_servers });
    return {
      tenant_usages: page.projects.map((usage) => usageView(usage, period)),
      ...linksOf(services, request, query, page, 'tenant_usages_links', 'os-simple-tenant-usage'),
    };
  });

  app.get<{ Params: { project_id: string } }>('/os-simple-tenant-usage/:project_id', async (request) => {
    const { project_id } = request.params;
    const query = readQuery(request);
    allow(services, request, projectPolicies.usage, { project_id });
    const period = periodOf(query);
    const page = await read(services, request, query, { ...period, project_id, with_servers: true });
    const [usage] = page.projects;
    const path = `os-simple-tenant-usage/${project_id}`;
    return {
      tenant_usage: usage === undefined ? {} : usageView(usage, period),
      ...linksOf(services, request, query, page, 'tenant_usage_links', path),
    };
  });
}

const isPaged = (request: FastifyRequest): boolean => request.microversion.atLeast(2, 40);

function readQuery(request: FastifyRequest): QueryValues {
  const text: JsonSchema = { type: 'string' };
  return validateQuery(
    {
      parameters: {
        start: text,
        end: text,
        detailed: text,
        ...(isPaged(request) ? { limit: limitSchema, marker: text } : {}),
      },
      allows_others: !request.microversion.atLeast(2, 75),
    },
    request.query,
  );
}

/** Times that are left out mean now; the end is never later than now. @throws DroverError usage_time_invalid, usage_range_empty */
function periodOf(query: QueryValues): Period {
  const now = new Date();
  const given = { start: lastValue(query, 'start') || null, end: lastValue(query, 'end') || null };
  const start = given.start === null ? now : timeOf(given.start);
  const end = given.end === null ? now : timeOf(given.end);
  if (start > end || (start.getTime() === end.getTime() && given.start !== null))
    throw new DroverError('usage_range_empty');
  return { start, stop: end > now ? now : end };
}

/** Nova reads times of day without a zone only. */
function timeOf(text: string): Date {
  const time = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,6})?$/.test(text) ? parseTime(text) : null;
  if (time === null) throw new DroverError('usage_time_invalid');
  return time;
}

const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

async function read(
  services: ApiServices,
  request: FastifyRequest,
  query: QueryValues,
  search: Period & { readonly project_id: string | null; readonly with_servers: boolean },
): Promise<UsagePage> {
  const marker = lastValue(query, 'marker') ?? null;
  if (marker !== null && !(UUID.test(marker) && (await isServer(services.pool, marker))))
    throw new DroverError('server_marker_not_found', { marker });
  const limit = isPaged(request) ? limitOf(services, query) : null;
  return readUsage(services.pool, { ...search, limit, marker });
}

const limitOf = (services: ApiServices, query: QueryValues): number =>
  pageLimit(lastValue(query, 'limit'), services.configuration.api.max_limit);

function linksOf(
  services: ApiServices,
  request: FastifyRequest,
  query: QueryValues,
  page: UsagePage,
  name: string,
  path: string,
): object {
  if (!isPaged(request)) return {};
  const links = nextLinks(
    request,
    path,
    {
      items: page.server_count,
      limit: limitOf(services, query),
      last_id: page.last_server ?? undefined,
    },
    services.configuration.api.compute_link_prefix,
  );
  return links === undefined ? {} : { [name]: links };
}
