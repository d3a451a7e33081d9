import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createClaimsDatabase } from './claims-database.ts';
import type { WorkerFigures } from './claims-worker.ts';

const hosts = 5000;
const milliseconds = 5000;
/** More than can be claimed in the time. */
const moves = 15_000;

/** `claims`: decision, claim and record. `moves`: the same with all that a move writes at its choice. */
export type Measured = 'claims' | 'moves';

export interface ClaimFigures {
  readonly per_second: number;
  /** Processor time of the scheduler per claim. */
  readonly scheduler_cpu_ms: number;
  /** Of the connections in the database; null: it runs on another machine. */
  readonly database_cpu_ms: number | null;
}

/**
 * Claimed decisions per second at 5,000 hosts against a real PostgreSQL, with one and with two schedulers, each a
 * process of its own that runs the product's own code in the product's own batches; what is counted is committed.
 *
 * @returns by number of schedulers
 */
export async function claimedPerSecond(
  server: string,
  what: Measured,
): Promise<Readonly<Record<string, ClaimFigures>>> {
  const figures: Record<string, ClaimFigures> = {};
  for (const schedulers of [1, 2]) {
    const database = await createClaimsDatabase(server, hosts, moves);
    try {
      figures[schedulers] = await measure(database.url, schedulers, what);
    } finally {
      await database.drop();
    }
  }
  return figures;
}

async function measure(url: string, schedulers: number, what: Measured): Promise<ClaimFigures> {
  const workers = Array.from({ length: schedulers }, (_, number) =>
    fork(join(import.meta.dirname, 'claims-worker.ts'), [
      url,
      String(number),
      String(schedulers),
      String(milliseconds),
      what,
    ]),
  );
  try {
    await Promise.all(workers.map(next));
    const counted = workers.map(next);
    for (const worker of workers) worker.send('go');
    const counts = (await Promise.all(counted)) as readonly WorkerFigures[];
    for (const worker of workers) if (worker.exitCode === null) await once(worker, 'exit');
    const claimed = counts.reduce((sum, count) => sum + count.claimed, 0);
    const perClaim = (total: number): number => Math.round((total * 1000) / claimed) / 1000;
    const database = counts.map((count) => count.database_cpu_milliseconds);
    return {
      per_second: Math.round((claimed * 1000) / milliseconds),
      scheduler_cpu_ms: perClaim(counts.reduce((sum, count) => sum + count.scheduler_cpu_milliseconds, 0)),
      database_cpu_ms: database.includes(null)
        ? null
        : perClaim(database.reduce<number>((sum, one) => sum + (one ?? 0), 0)),
    };
  } finally {
    for (const worker of workers) worker.kill();
  }
}

/** What the worker says next; an error when it ends instead. */
async function next(worker: ChildProcess): Promise<unknown> {
  const ended = new AbortController();
  const exit = once(worker, 'exit', { signal: ended.signal }).then(([code]) => {
    throw new Error(`a scheduler of the measurement ended with ${String(code)}`);
  });
  const message = once(worker, 'message').then(([said]: unknown[]) => said);
  try {
    return await Promise.race([message, exit]);
  } finally {
    exit.catch(() => undefined);
    ended.abort();
  }
}
