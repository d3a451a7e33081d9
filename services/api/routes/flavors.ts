import type { FastifyInstance, FastifyRequest } from 'fastify';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import type { FlavorSpec } from '../../../shared/domain/instance-spec.ts';
import type { JsonSchema } from '../http/json-schema.ts';
import { nextLinks, pageLimit } from '../http/pagination.ts';
import { lastValue, limitSchema, validateQuery, type QuerySchema } from '../http/validate.ts';
import { flavorPolicies } from '../policies/flavor-policies.ts';
import { flavorSortKeys, listFlavors, type FlavorSortKey } from '../queries/flavors.ts';
import { findFlavor } from '../queries/flavors-of-servers.ts';
import type { ApiServices } from '../services.ts';
import { flavorSummary, flavorView } from '../views/flavor-view.ts';
import { linksOf, versionCheck } from './server-access.ts';

const text: JsonSchema = { type: 'string' };
const listQuery: QuerySchema = {
  parameters: {
    limit: limitSchema,
    marker: text,
    is_public: text,
    minRam: text,
    minDisk: text,
    sort_key: { type: 'string', enum: flavorSortKeys },
    sort_dir: { type: 'string', enum: ['asc', 'desc'] },
  },
  allows_others: true,
};

/** GET /flavors, /flavors/detail, /flavors/{id}: anybody with a token may. */
export function registerFlavorRoutes(app: FastifyInstance, services: ApiServices): void {
  app.get('/flavors', async (request) => {
    const { flavors, limit } = await search(services, request);
    const links = linksOf(services, request);
    const atLeast = versionCheck(request);
    return page(services, request, 'flavors', flavors, limit, (flavor) =>
      flavorSummary(flavor, links, atLeast),
    );
  });

  app.get('/flavors/detail', async (request) => {
    const { flavors, limit } = await search(services, request);
    const links = linksOf(services, request);
    const atLeast = versionCheck(request);
    const shows = showsExtraSpecs(services, request);
    return page(services, request, 'flavors/detail', flavors, limit, (flavor) =>
      flavorView(flavor, links, atLeast, shows),
    );
  });

  app.get<{ Params: { id: string } }>('/flavors/:id', async (request) => {
    const flavor = await requireFlavor(services, request, request.params.id);
    const shows = showsExtraSpecs(services, request);
    return { flavor: flavorView(flavor, linksOf(services, request), versionCheck(request), shows) };
  });
}

/** The flavor with this id, if the caller may use it. @throws DroverError flavor_not_found */
export async function requireFlavor(
  services: ApiServices,
  request: FastifyRequest,
  id: string,
): Promise<FlavorSpec> {
  const flavor = await findFlavor(services.pool, id, request.caller);
  if (flavor === null) throw new DroverError('flavor_not_found', { flavor: id });
  return flavor;
}

/** Whether `extra_specs` may stand in this caller's answers. */
export function showsExtraSpecs(services: ApiServices, request: FastifyRequest): boolean {
  return services.policy.check(
    flavorPolicies.extra_specs,
    { project_id: request.caller.project_id },
    request.caller,
  );
}

async function search(
  services: ApiServices,
  request: FastifyRequest,
): Promise<{ flavors: FlavorSpec[]; limit: number }> {
  const query = validateQuery(listQuery, request.query);
  const value = (name: string): string | null => lastValue(query, name) ?? null;
  const limit = pageLimit(lastValue(query, 'limit'), services.configuration.api.max_limit);
  const flavors = await listFlavors(
    services.pool,
    {
      is_public: request.caller.is_admin ? publicWish(value('is_public')) : true,
      memory_mb_min: numberOf('minRam', value('minRam')),
      root_gb_min: numberOf('minDisk', value('minDisk')),
      sort_key: (value('sort_key') as FlavorSortKey | null) ?? 'flavorid',
      sort_direction: value('sort_dir') === 'desc' ? 'desc' : 'asc',
      marker: value('marker'),
      limit,
    },
    request.caller,
  );
  return { flavors, limit };
}

/** `None` means both kinds; without the parameter only public ones. Read as oslo.utils reads a boolean. */
function publicWish(value: string | null): boolean | null {
  if (value === null || value === '') return true;
  if (value.toLowerCase() === 'none') return null;
  if (/^(?:1|t|true|on|y|yes)$/i.test(value)) return true;
  if (/^(?:0|f|false|off|n|no)$/i.test(value)) return false;
  throw new DroverError('validation_failed', { message: `Invalid is_public filter [${value}]` });
}

function numberOf(name: string, value: string | null): number | null {
  if (value === null) return null;
  if (!/^-?\d{1,10}$/.test(value)) {
    throw new DroverError('validation_failed', { message: `Invalid ${name} filter [${value}]` });
  }
  return Number(value);
}

function page(
  services: ApiServices,
  request: FastifyRequest,
  path: string,
  flavors: readonly FlavorSpec[],
  limit: number,
  view: (flavor: FlavorSpec) => object,
): object {
  const links = nextLinks(
    request,
    path,
    { items: flavors.length, limit, last_id: flavors.at(-1)?.flavor_id },
    services.configuration.api.compute_link_prefix,
  );
  return {
    flavors: flavors.map((flavor) => view(flavor)),
    ...(links === undefined ? {} : { flavors_links: links }),
  };
}
