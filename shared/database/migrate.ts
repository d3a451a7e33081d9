import { fileURLToPath } from 'node:url';
import knex from 'knex';

const directory = fileURLToPath(new URL('../../migrations', import.meta.url));

export interface MigrateOutcome {
  readonly applied: readonly string[];
  readonly version: string;
}

/**
 * Brings the schema up to date. Two processes may start it together: knex holds its migration lock, and an
 * advisory lock around it makes the second one wait instead of failing.
 */
export async function migrateDatabase(connection: string): Promise<MigrateOutcome> {
  const database = knex({
    client: 'pg',
    connection,
    pool: { min: 0, max: 2 },
    migrations: { directory, extension: 'ts', loadExtensions: ['.ts'] },
  });
  try {
    const guard = await database.client.acquireConnection();
    try {
      await database.raw('select pg_advisory_lock(4401)').connection(guard);
      const [, applied] = (await database.migrate.latest()) as [number, string[]];
      const version = await database.migrate.currentVersion();
      await database.raw('select pg_advisory_unlock(4401)').connection(guard);
      return { applied, version };
    } finally {
      await database.client.releaseConnection(guard);
    }
  } finally {
    await database.destroy();
  }
}
