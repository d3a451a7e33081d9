import type { FastifyInstance, FastifyRequest } from 'fastify';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import type { ApiServices } from '../services.ts';
import { filtersOf, itemLink, listLinks, requireRight } from './requests.ts';

interface ServiceRow {
  readonly id: string;
  readonly type: string;
  readonly name: string;
  readonly description: string;
  readonly enabled: boolean;
}

interface EndpointRow {
  readonly id: string;
  readonly service_id: string;
  readonly interface: string;
  readonly region_id: string;
  readonly url: string;
  readonly enabled: boolean;
}

function serviceView(request: FastifyRequest, row: ServiceRow): object {
  return {
    name: row.name,
    id: row.id,
    type: row.type,
    enabled: row.enabled,
    ...(row.description === '' ? {} : { description: row.description }),
    links: itemLink(request, 'services', row.id),
  };
}

function endpointView(request: FastifyRequest, row: EndpointRow): object {
  return {
    id: row.id,
    interface: row.interface,
    region_id: row.region_id,
    service_id: row.service_id,
    url: row.url,
    enabled: row.enabled,
    region: row.region_id,
    links: itemLink(request, 'endpoints', row.id),
  };
}

/** /v3/services and /v3/endpoints, for administrators: everybody else has the catalog of their token. */
export function registerCatalogRoutes(app: FastifyInstance, { pool }: ApiServices): void {
  const serviceColumns = 'id, type, name, description, enabled';
  const endpointColumns = 'id, service_id, interface, region_id, url, enabled';

  app.get('/v3/services', async (request) => {
    requireRight(request.caller.is_admin, 'identity:list_services');
    const { name, type } = filtersOf(request, ['name', 'type']);
    const { rows } = await pool.query<ServiceRow>(
      `select ${serviceColumns} from catalog_services
       where ($1::text is null or name = $1) and ($2::text is null or type = $2) order by id`,
      [name ?? null, type ?? null],
    );
    return { services: rows.map((row) => serviceView(request, row)), links: listLinks(request) };
  });

  app.get<{ Params: { id: string } }>('/v3/services/:id', async (request) => {
    requireRight(request.caller.is_admin, 'identity:get_service');
    const { rows } = await pool.query<ServiceRow>(
      `select ${serviceColumns} from catalog_services where id = $1`,
      [request.params.id],
    );
    if (rows[0] === undefined)
      throw new DroverError('identity_not_found', { kind: 'service', id: request.params.id });
    return { service: serviceView(request, rows[0]) };
  });

  app.get('/v3/endpoints', async (request) => {
    requireRight(request.caller.is_admin, 'identity:list_endpoints');
    const filters = filtersOf(request, ['service_id', 'interface', 'region_id', 'region']);
    const { rows } = await pool.query<EndpointRow>(
      `select ${endpointColumns} from catalog_endpoints
       where ($1::text is null or service_id = $1) and ($2::text is null or interface = $2)
         and ($3::text is null or region_id = $3) order by id`,
      [filters.service_id ?? null, filters.interface ?? null, filters.region_id ?? filters.region ?? null],
    );
    return { endpoints: rows.map((row) => endpointView(request, row)), links: listLinks(request) };
  });

  app.get<{ Params: { id: string } }>('/v3/endpoints/:id', async (request) => {
    requireRight(request.caller.is_admin, 'identity:get_endpoint');
    const { rows } = await pool.query<EndpointRow>(
      `select ${endpointColumns} from catalog_endpoints where id = $1`,
      [request.params.id],
    );
    if (rows[0] === undefined)
      throw new DroverError('identity_not_found', { kind: 'endpoint', id: request.params.id });
    return { endpoint: endpointView(request, rows[0]) };
  });
}

interface DomainRow {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly enabled: boolean;
}

function domainView(request: FastifyRequest, row: DomainRow): object {
  return { ...row, tags: [], options: {}, links: itemLink(request, 'domains', row.id) };
}

/** /v3/domains and /v3/regions: there is one of each, made at the start. */
export function registerDomainsAndRegions(app: FastifyInstance, { pool, configuration }: ApiServices): void {
  const columns = 'id, name, description, enabled';

  app.get('/v3/domains', async (request) => {
    requireRight(request.caller.is_admin, 'identity:list_domains');
    const { name } = filtersOf(request, ['name']);
    const { rows } = await pool.query<DomainRow>(
      `select ${columns} from domains where $1::text is null or name = $1 order by id`,
      [name ?? null],
    );
    return { domains: rows.map((row) => domainView(request, row)), links: listLinks(request) };
  });

  app.get<{ Params: { id: string } }>('/v3/domains/:id', async (request) => {
    const { caller, params } = request;
    requireRight(caller.is_admin || caller.user_domain_id === params.id, 'identity:get_domain');
    const { rows } = await pool.query<DomainRow>(`select ${columns} from domains where id = $1`, [params.id]);
    if (rows[0] === undefined) throw new DroverError('identity_not_found', { kind: 'domain', id: params.id });
    return { domain: domainView(request, rows[0]) };
  });

  const regionView = (request: FastifyRequest) => ({
    id: configuration.identity.region,
    description: '',
    parent_region_id: null,
    links: itemLink(request, 'regions', configuration.identity.region),
  });

  app.get('/v3/regions', (request) => ({ regions: [regionView(request)], links: listLinks(request) }));

  app.get<{ Params: { id: string } }>('/v3/regions/:id', async (request) => {
    if (request.params.id !== configuration.identity.region)
      throw new DroverError('identity_not_found', { kind: 'region', id: request.params.id });
    return { region: regionView(request) };
  });
}
