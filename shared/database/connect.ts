import { Writable } from 'node:stream';
import pg from 'pg';
import { joinWrites } from './joined-writes.ts';

/** int8 comes as a JavaScript number: all our bigints (bytes, ids, epochs) stay far below 2^53. */
pg.types.setTypeParser(pg.types.builtins.INT8, (text) => {
  const value = Number(text);
  if (!Number.isSafeInteger(value))
    throw new Error(`database value ${text} does not fit a JavaScript number`);
  return value;
});

export type Pool = pg.Pool;
/** A connection inside a transaction, or the pool itself: what a query function needs. */
export type Queryable = Pick<pg.Pool, 'query'>;

export interface DatabaseOptions {
  readonly connection: string;
  readonly max_pool_size: number;
  /** Shown in pg_stat_activity: which of our processes holds a lock. */
  readonly application_name: string;
  /** Statements of one connection are sent without waiting for the answers of those before them, and together. */
  readonly pipeline?: boolean;
  /**
   * Prepared statements are planned once per connection, not five times: right where all of them look rows up by
   * keys, so that no value makes another plan better.
   */
  readonly generic_plans?: boolean;
  /** A statement that has waited so long for a lock fails (55P03): for callers that then try again. Default: no end. */
  readonly lock_wait_milliseconds_max?: number;
}

/**
 * Every statement finds its rows by keys. While tables are small, or their statistics old, the planner reads whole ones
 * instead and keeps that plan for as long as the connection lives.
 */
const keyedPlans = [
  'plan_cache_mode=force_generic_plan',
  'enable_hashjoin=off',
  'enable_mergejoin=off',
  'random_page_cost=1.1',
  'jit=off',
]
  .map((setting) => `-c ${setting}`)
  .join(' ');

/**
 * A process that is frozen in the middle of a transaction keeps its rows locked for so long; then the database ends it,
 * and whoever waits goes on. Transactions hold nothing but statements, so only a process that does not run is silent.
 */
const FROZEN_AFTER_MILLISECONDS = 5000;

/**
 * For processes with several transactions at once. Shorter than a frozen one is suffered: when its locks are free, its other
 * transactions have given up waiting for them, which the database sees to while their process does not run. Else each
 * of them would get the locks in its turn, and keep them as long again.
 */
export const LOCK_WAIT_MILLISECONDS = FROZEN_AFTER_MILLISECONDS - 1000;

/** Opens a pool. Connections are made on first use; an idle one that breaks is reported and replaced. */
export function connectDatabase(options: DatabaseOptions, onIdleError: (error: Error) => void): Pool {
  const pool = new pg.Pool({
    connectionString: options.connection,
    max: options.max_pool_size,
    application_name: options.application_name,
    ...(options.pipeline === true ? { pipeline: true } : {}),
    ...(options.generic_plans === true ? { options: keyedPlans } : {}),
    idle_in_transaction_session_timeout: FROZEN_AFTER_MILLISECONDS,
    lock_timeout: options.lock_wait_milliseconds_max ?? 0,
    connectionTimeoutMillis: 10_000,
  });
  pool.on('error', onIdleError);
  // One that breaks while it is in use, but between two statements, tells nobody else: without a listener that would end
  // the process. The next statement fails, and with it whoever uses the connection.
  pool.on('connect', (client) => {
    client.on('error', () => undefined);
  });
  if (options.pipeline === true) {
    pool.on('connect', (client) => {
      const stream = streamOf(client);
      if (stream !== null) joinWrites(stream);
    });
  }
  return pool;
}

/** The client's socket, which pg has but does not declare. Null: then statements are only sent less economically. */
function streamOf(client: pg.PoolClient): Writable | null {
  const { connection } = client as { connection?: { stream?: unknown } };
  return connection?.stream instanceof Writable ? connection.stream : null;
}

/** Runs `work` in one transaction: commit if it returns, roll back if it throws. */
export async function inTransaction<Result>(
  pool: Pool,
  work: (transaction: Queryable) => Promise<Result>,
): Promise<Result> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query('begin');
    const result = await work(client);
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch((rollbackError: unknown) => {
      broken = rollbackError instanceof Error ? rollbackError : new Error(String(rollbackError));
    });
    throw error;
  } finally {
    client.release(broken);
  }
}
