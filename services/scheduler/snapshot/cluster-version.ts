import type { Queryable } from '../../../shared/database/connect.ts';

/**
 * A number that rises with every change that placement may see: claims, inventories, states, aggregates. All processes
 * read the same one, so a dry run made by one can be applied by another only while nothing has changed.
 * A host that is removed leaves its part behind, so the number never falls.
 */
export async function readClusterVersion(database: Queryable): Promise<number> {
  const { rows } = await database.query<{ version: number }>(
    `select (coalesce((select sum(generation) from hosts), 0)
             + (select generations from removed_host_generations))::bigint as version`,
  );
  return rows[0]?.version ?? 0;
}
