import type { Pool, Queryable } from '../../../shared/database/connect.ts';

export interface CatalogEndpoint {
  readonly id: string;
  readonly interface: string;
  readonly region_id: string;
  readonly url: string;
  readonly region: string;
}

/** As it stands in a token and in /auth/catalog. */
export interface CatalogEntry {
  readonly endpoints: readonly CatalogEndpoint[];
  readonly id: string;
  readonly type: string;
  readonly name: string;
}

export type CatalogReader = () => Promise<readonly CatalogEntry[]>;

const CACHE_MILLISECONDS = 3_000;

/** Every token answer carries the catalog, which hardly ever changes: it is read at most once in three seconds. */
export function createCatalogReader(pool: Pool, now: () => number = Date.now): CatalogReader {
  let cached: { readonly entries: Promise<readonly CatalogEntry[]>; readonly read_at: number } | null = null;
  return () => {
    if (cached === null || now() - cached.read_at >= CACHE_MILLISECONDS) {
      const fresh = { entries: readCatalog(pool), read_at: now() };
      cached = fresh;
      fresh.entries.catch(() => {
        if (cached === fresh) cached = null;
      });
    }
    return cached.entries;
  };
}

async function readCatalog(database: Queryable): Promise<readonly CatalogEntry[]> {
  const { rows } = await database.query<CatalogEntry>(
    `select coalesce(json_agg(json_build_object('id', endpoint.id, 'interface', endpoint.interface,
         'region_id', endpoint.region_id, 'url', endpoint.url, 'region', endpoint.region_id)
         order by endpoint.id) filter (where endpoint.id is not null), '[]') as endpoints,
       service.id, service.type, service.name
     from catalog_services service
     left join catalog_endpoints endpoint on endpoint.service_id = service.id and endpoint.enabled
     where service.enabled
     group by service.id
     order by service.id`,
  );
  return rows;
}
