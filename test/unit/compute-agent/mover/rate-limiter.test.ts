import { describe, expect, test } from 'vitest';
import {
  RateLimiter,
  type LimiterClock,
} from '../../../../services/compute-agent/mover/sender/rate-limiter.ts';

class FakeClock implements LimiterClock {
  #now = 0;
  #timers: { readonly at: number; readonly callback: () => void }[] = [];

  now_milliseconds(): number {
    return this.#now;
  }

  after(milliseconds: number, callback: () => void): () => void {
    const timer = { at: this.#now + milliseconds, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  async run(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds;
    for (;;) {
      await settled();
      const [next] = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#timers = this.#timers.filter((other) => other !== next);
      this.#now = next.at;
      next.callback();
    }
    this.#now = end;
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Takes slices for ever and counts what it got. */
function consumer(limiter: RateLimiter): { readonly bytes: () => number } {
  let bytes = 0;
  void (async () => {
    for (;;) {
      const slice = Math.min(limiter.slice_bytes, 256 * 1024);
      await limiter.take(slice);
      bytes += slice;
    }
  })();
  return { bytes: () => bytes };
}

describe('RateLimiter', () => {
  test.each([50_000, 1_000_000, 100_000_000])('lets %i bytes per second through', async (rate) => {
    const clock = new FakeClock();
    const limiter = new RateLimiter(rate, clock);
    const taken = consumer(limiter);
    await clock.run(10_000);
    expect(taken.bytes()).toBeGreaterThan(rate * 10 * 0.95);
    expect(taken.bytes()).toBeLessThan(rate * 10 * 1.05 + limiter.slice_bytes);
  });

  test('does not save up more than a tenth of a second of silence', async () => {
    const clock = new FakeClock();
    const limiter = new RateLimiter(1_000_000, clock);
    await clock.run(60_000);
    const taken = consumer(limiter);
    await clock.run(1);
    expect(taken.bytes()).toBeLessThanOrEqual(300_000);
  });

  test('a new rate holds at once, also for who waits already', async () => {
    const clock = new FakeClock();
    const limiter = new RateLimiter(1000, clock);
    const taken = consumer(limiter);
    await clock.run(5000);
    const before = taken.bytes();
    limiter.setRate(10_000_000);
    await clock.run(1000);
    expect(taken.bytes() - before).toBeGreaterThan(9_000_000);
    limiter.setRate(100_000);
    const then = taken.bytes();
    await clock.run(1000);
    expect(taken.bytes() - then).toBeLessThan(400_000);
  });

  test('0 is no limit and frees who waits', async () => {
    const clock = new FakeClock();
    const limiter = new RateLimiter(1, clock);
    await limiter.take(1_000_000);
    let freed = false;
    void limiter.take(1).then(() => {
      freed = true;
    });
    await clock.run(10);
    expect(freed).toBe(false);
    limiter.setRate(0);
    await settled();
    expect(freed).toBe(true);
  });

  test.each([0, 1_000_000])(
    'paused it lets nothing through, and then goes on without a burst (%i)',
    async (rate) => {
      const clock = new FakeClock();
      const limiter = new RateLimiter(rate, clock);
      limiter.setPaused(true);
      let taken = 0;
      const taking = (async () => {
        for (let count = 0; count < 20; count += 1) {
          await limiter.take(100_000);
          taken += 100_000;
        }
      })();
      await clock.run(60_000);
      expect(taken).toBe(0);
      // A rate that is set meanwhile does not end the pause.
      limiter.setRate(rate);
      await clock.run(1000);
      expect(taken).toBe(0);
      limiter.setPaused(false);
      await clock.run(1);
      if (rate > 0) expect(taken).toBeLessThanOrEqual(300_000);
      await clock.run(2000);
      await taking;
      expect(taken).toBe(2_000_000);
    },
  );
});
