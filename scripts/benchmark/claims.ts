import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createClaimsDatabase } from './claims-database.ts';

const hosts = 5000;
const milliseconds = 5000;
const at_once = 96;
/** More than can be claimed in the time. */
const moves = 15_000;

/**
 * Claimed decisions per second at 5,000 hosts against a real PostgreSQL, with one and with two schedulers, each a
 * process of its own that goes the product's own way: each counts when its claim, its record with all reasons, the
 * operation's next state and the next command are committed.
 *
 * @returns by number of schedulers
 */
export async function claimedPerSecond(server: string): Promise<Readonly<Record<string, number>>> {
  const figures: Record<string, number> = {};
  for (const schedulers of [1, 2]) {
    const database = await createClaimsDatabase(server, hosts, moves);
    try {
      figures[schedulers] = await measure(database.url, schedulers);
    } finally {
      await database.drop();
    }
  }
  return figures;
}

async function measure(url: string, schedulers: number): Promise<number> {
  const workers = Array.from({ length: schedulers }, (_, number) =>
    fork(join(import.meta.dirname, 'claims-worker.ts'), [
      url,
      String(number),
      String(schedulers),
      String(milliseconds),
      String(at_once),
    ]),
  );
  try {
    await Promise.all(workers.map(next));
    const counted = workers.map(next);
    for (const worker of workers) worker.send('go');
    const counts = (await Promise.all(counted)) as ReadonlyArray<{ readonly claimed: number }>;
    for (const worker of workers) if (worker.exitCode === null) await once(worker, 'exit');
    const claimed = counts.reduce((sum, count) => sum + count.claimed, 0);
    return Math.round((claimed * 1000) / milliseconds);
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
