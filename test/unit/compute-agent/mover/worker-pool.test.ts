import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  WorkerPool,
  type PooledWorker,
  type StartFailure,
} from '../../../../services/compute-agent/mover/worker-pool.ts';

class TestWorker implements PooledWorker {
  readonly identity = { pid: 1, start_ticks: 1 };
  readonly #ready = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
  readonly ready = this.#ready.promise;
  readonly ended = this.#ended.promise;
  alive = true;

  begin(): void {
    this.#ready.resolve();
  }

  release(): void {
    this.alive = false;
    this.#ended.resolve();
  }

  kill(): Promise<void> {
    this.release();
    return Promise.resolve();
  }
}

describe('a pool of workers', () => {
  let created: TestWorker[];
  let pool: WorkerPool<TestWorker>;

  beforeEach(() => {
    vi.useFakeTimers();
    created = [];
    pool = new WorkerPool({
      idle_max: 2,
      create: () => {
        const worker = new TestWorker();
        created.push(worker);
        return worker;
      },
    });
    pool.warm();
    for (const worker of created) worker.begin();
  });

  afterEach(async () => {
    for (const worker of created) worker.release();
    await pool.close();
    vi.useRealTimers();
  });

  const settle = (milliseconds = 0) => vi.advanceTimersByTimeAsync(milliseconds);

  it('gives a worker that comes free to whoever has waited longest, and starts none for that', async () => {
    await settle();
    const first = await pool.take();
    await pool.take();
    const order: string[] = [];
    const third = pool.take().then((worker) => (order.push('third'), worker));
    void pool.take().then(() => order.push('fourth'));
    await settle(800);
    pool.recycle(first);
    expect(await third).toBe(first);
    // The patience begins anew with each worker that comes free.
    await settle(800);
    expect(order).toEqual(['third']);
    expect(created).toHaveLength(2);
  });

  it('gives nobody a worker that has ended, whoever had started it', async () => {
    await settle();
    await pool.take();
    await pool.take();
    const adopted = new TestWorker();
    pool.recycle(adopted);
    expect(pool.pids).toHaveLength(3);
    adopted.release();
    // Before its end could be heard.
    const third = pool.take();
    await settle(1000);
    expect(pool.pids).toHaveLength(3);
    created[2]?.begin();
    expect(await third).toBe(created[2]);
  });

  it('starts one after the other when none comes free, however many wait', async () => {
    await settle();
    await pool.take();
    await pool.take();
    let taken = 0;
    for (let number = 0; number < 10; number += 1) void pool.take().then(() => (taken += 1));
    await settle(1000);
    expect(created).toHaveLength(3);
    // Still starting: another start would only slow it.
    await settle(5000);
    expect(created).toHaveLength(3);
    created[2]?.begin();
    await settle(1000);
    expect(taken).toBe(1);
    expect(created).toHaveLength(4);
  });

  it('goes on with the next start when a worker dies before it is ready', async () => {
    await settle();
    await pool.take();
    await pool.take();
    const third = pool.take();
    await settle(1000);
    created[2]?.release();
    created[2]?.begin();
    await settle(1000);
    expect(created).toHaveLength(4);
    created[3]?.begin();
    expect(await third).toBe(created[3]);
  });

  it('keeps workers beyond the ready ones for a while, then lets go of them', async () => {
    await settle();
    const taken = [await pool.take(), await pool.take()];
    const third = pool.take();
    await settle(1000);
    created[2]?.begin();
    taken.push(await third);
    for (const worker of taken) pool.recycle(worker);
    await settle(29_000);
    expect(created.filter(({ alive }) => alive)).toHaveLength(3);
    await settle(2000);
    expect(created.filter(({ alive }) => alive)).toHaveLength(2);
  });

  it('starts workers that cannot start ever more seldom, says so, and is as before when one does', async () => {
    const failures: StartFailure[] = [];
    let broken = true;
    const started: TestWorker[] = [];
    const failing = new WorkerPool({
      idle_max: 2,
      create: () => {
        const worker = new TestWorker();
        started.push(worker);
        if (broken) worker.release();
        worker.begin();
        return worker;
      },
      onStartFailed: (failure) => failures.push(failure),
    });
    failing.warm();
    const taken = failing.take();
    await settle(600_000);
    // Two at first, then one at a time after ever longer waits, at last each minute.
    expect(started.length).toBeGreaterThanOrEqual(10);
    expect(started.length).toBeLessThanOrEqual(18);
    expect(failures).toHaveLength(started.length);
    expect(failures.at(-1)).toEqual({ pid: 1, failed_starts: started.length, next_start_seconds: 60 });
    broken = false;
    await settle(60_000);
    expect(await taken).toBe(started.at(-1));
    await failing.close();
  });
});
