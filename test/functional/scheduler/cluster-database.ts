import { connectDatabase, type Pool } from '../../../shared/database/connect.ts';
import { afterAll, beforeAll } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

/** The database of the test file that runs, and a pool on it as the scheduler's own: there from its first test on. */
export let database: TestDatabase;
export let pool: Pool;

/** Makes both before the tests of this file and drops them after them. */
export function useClusterDatabase(max_pool_size?: number): void {
  beforeAll(async () => {
    database = await createTestDatabase();
    pool = pipelinedPool(database.url, max_pool_size);
  });
  afterAll(async () => {
    await pool.end();
    await database.drop();
  });
}

/** A pool as the scheduler's own: statements of one connection do not wait for each other's answers. */
export function pipelinedPool(database_url: string, max_pool_size: number = 8): Pool {
  return connectDatabase(
    { connection: database_url, max_pool_size, application_name: 'drover-test-scheduler', pipeline: true },
    () => undefined,
  );
}

/**
 * Begins a transaction that may idle: the database ends a scheduler's that does, and on a busy machine a test's own
 * between two of its statements would be one.
 */
export async function beginPatiently(connection: { query(sql: string): Promise<unknown> }): Promise<void> {
  await connection.query('begin');
  await connection.query('set local idle_in_transaction_session_timeout = 0');
}

/** Waits until a query's single value is as wanted; fails with what it was last. Level-triggered. */
export async function untilValue(
  pool: Pool,
  sql: string,
  values: readonly unknown[],
  wanted: unknown,
  seconds = 20,
): Promise<void> {
  const end = performance.now() + seconds * 1000;
  for (;;) {
    const { rows } = await pool.query<Record<string, unknown>>(sql, [...values]);
    const found = Object.values(rows[0] ?? {})[0];
    if (found === wanted) return;
    if (performance.now() > end)
      throw new Error(`waited ${seconds} s for ${String(wanted)}, found ${String(found)}: ${sql}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Claims whose sum is not `used`, and inventories above their limit: must always be empty. */
export async function wrongBooks(pool: Pool): Promise<unknown[]> {
  const { rows } = await pool.query(
    `select h.name, n.resource_class, n.used, coalesce(c.claimed, 0) as claimed
     from host_inventories n join hosts h on h.id = n.host_id
     left join (select host_id, resource_class, sum(amount)::bigint as claimed from claims group by 1, 2) c
       on c.host_id = n.host_id and c.resource_class = n.resource_class
     where n.used <> coalesce(c.claimed, 0) or n.used > floor((n.total - n.reserved) * n.allocation_ratio)`,
  );
  return rows;
}

/** What an operation has of the limits of copies: null, waiting or held. */
export const turnOf = 'select turn from operations where id = $1';
/** Where an operation is. Of one that is at no step: how it ended, so that a wait in vain tells why. */
export const stepOf =
  "select coalesce(step, concat_ws(' ', state, reason_code, reason)) as step from operations where id = $1";
