import type { PoolClient } from 'pg';
import type { Pool, Queryable } from '../../../shared/database/connect.ts';
import { isLockWaitError } from '../../../shared/database/connection-errors.ts';

/** PostgreSQL chose this transaction to end a deadlock; the work may simply be done again. */
const DEADLOCK_DETECTED = '40P01';
/** What every statement behind one that has failed is answered. */
const TRANSACTION_HAS_FAILED = '25P02';
const TRIES = 4;

/** A commit that the database answered with a rollback: a statement before it had failed. */
class RolledBack extends Error {}

export interface Transaction extends Queryable {
  /**
   * Sends the last statements and the commit together, so that they cost one round trip.
   * After it nothing more may be done in this transaction.
   */
  finish(last: ReadonlyArray<Promise<unknown>>): Promise<void>;
}

/**
 * Runs `work` in one transaction on a pipelined connection: `begin` travels with the first statement and, when work
 * calls `finish`, `commit` with the last. If work returns without `finish`, nothing was changed and it is rolled back.
 * A transaction that PostgreSQL ended to break a deadlock, or because it has waited for a lock long enough, is run again,
 * so `work` must keep nothing from a first run.
 */
export async function transact<Result>(
  pool: Pool,
  work: (transaction: Transaction) => Promise<Result>,
): Promise<Result> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await transactOnce(pool, work);
    } catch (error) {
      if (tries >= TRIES || !(isDeadlock(error) || isLockWaitError(error))) throw error;
    }
  }
}

const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;

const isDeadlock = (error: unknown): boolean => hasCode(error, DEADLOCK_DETECTED);

async function transactOnce<Result>(
  pool: Pool,
  work: (transaction: Transaction) => Promise<Result>,
): Promise<Result> {
  const client = await pool.connect();
  let broken: Error | undefined;
  let isFinished = false;
  const begun = client.query('begin');
  // Whatever fails is met by the awaited statement behind it; this only keeps the process from calling it unhandled.
  begun.catch(() => undefined);
  const failures: unknown[] = [];
  const transaction: Transaction = {
    query: noting(client, failures),
    finish: async (last) => {
      const commit = client.query('commit');
      const outcomes = await Promise.allSettled([...last, commit]);
      isFinished = true;
      for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
      if ((await commit).command !== 'COMMIT') throw new RolledBack('the transaction was rolled back');
    },
  };
  try {
    const result = await work(transaction);
    if (!isFinished) await client.query('rollback');
    return result;
  } catch (error) {
    await client.query('rollback').catch((rollbackError: unknown) => {
      broken = rollbackError instanceof Error ? rollbackError : new Error(String(rollbackError));
    });
    // Statements are sent without waiting: the one that is waited for says only that one before it has failed.
    throw hasCode(error, TRANSACTION_HAS_FAILED) ? (failures[0] ?? error) : error;
  } finally {
    client.release(broken);
  }
}

/** The client's `query`, whose failures are kept in their order. */
function noting(client: PoolClient, failures: unknown[]): Queryable['query'] {
  const send = client.query.bind<(...statement: unknown[]) => unknown>(client);
  return new Proxy(client.query.bind<Queryable['query']>(client), {
    apply(_query, _this, statement: unknown[]) {
      const answer = send(...statement);
      if (answer instanceof Promise) answer.catch((error: unknown) => failures.push(error));
      return answer;
    },
  });
}
