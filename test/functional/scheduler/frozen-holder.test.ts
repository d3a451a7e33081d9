import type { PoolClient } from 'pg';
import { afterEach, expect, test } from 'vitest';
import { transact } from '../../../services/scheduler/drive/transaction.ts';
import { connectDatabase, type Pool } from '../../../shared/database/connect.ts';
import { beginPatiently, database, pool, useClusterDatabase } from './cluster-database.ts';
import { addHost } from './rows.ts';

useClusterDatabase();

/** Much shorter than a scheduler's, for the test: what counts is that it ends before the holder does. */
const LOCK_WAIT_MILLISECONDS = 200;
const lockSql = 'select id from hosts for update';

let waiting: Pool | undefined;
const clients: PoolClient[] = [];
afterEach(async () => {
  // Their transactions end with them.
  for (const client of clients.splice(0)) client.release(true);
  await waiting?.end();
});

/** A transaction of its own that asks for the hosts and does nothing more, as one of a process that is frozen. */
async function askInSilence(from: Pool): Promise<Promise<string>> {
  const client = await from.connect();
  clients.push(client);
  await client.query('begin');
  const asked = client.query(lockSql).then(
    () => 'has them',
    (error: unknown) => String(Reflect.get(error as Error, 'code')),
  );
  return asked;
}

const waitingPool = (): Pool =>
  connectDatabase(
    {
      connection: database.url,
      max_pool_size: 8,
      application_name: 'drover-test-waiting',
      pipeline: true,
      lock_wait_milliseconds_max: LOCK_WAIT_MILLISECONDS,
    },
    () => undefined,
  );

test('one that is frozen keeps what it has, and gets nothing more when that is taken from it', async () => {
  await addHost(pool, 'compute1');
  waiting = waitingPool();
  const holder = await pool.connect();
  clients.push(holder);
  await beginPatiently(holder);
  await holder.query(lockSql);
  const others = [askInSilence(waiting), askInSilence(waiting), askInSilence(waiting)];
  let tries = 0;
  let answers: readonly string[] = [];
  const living = transact(waiting, async (transaction) => {
    tries += 1;
    if (tries === 2) {
      await transaction.query('set local idle_in_transaction_session_timeout = 0');
      answers = await Promise.all(others);
      // As when the database ends the one that is frozen.
      await holder.query('rollback');
    }
    await transaction.finish([transaction.query(lockSql)]);
    return 'has them';
  });
  expect(await living).toBe('has them');
  // They asked first: had they waited on, each of them would have got the hosts and kept them in silence.
  expect(answers).toEqual(['55P03', '55P03', '55P03']);
  expect(tries).toBe(2);
});

test('a lock that nobody waited for by itself is asked for again as well', async () => {
  waiting = waitingPool();
  const holder = await pool.connect();
  clients.push(holder);
  await beginPatiently(holder);
  await holder.query('select pg_advisory_xact_lock(42)');
  let tries = 0;
  const living = transact(waiting, async (transaction) => {
    tries += 1;
    if (tries === 2) await holder.query('rollback');
    // As turns do it: the question is sent behind the lock, and its answer says that something before it failed.
    transaction.query('select pg_advisory_xact_lock(42)').catch(() => undefined);
    const { rows } = await transaction.query<{ answer: number }>('select 1 as answer');
    return rows[0]?.answer;
  });
  expect(await living).toBe(1);
  expect(tries).toBe(2);
});
