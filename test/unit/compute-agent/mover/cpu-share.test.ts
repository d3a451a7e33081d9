import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  CpuShare,
  cpuArgument,
  cpuShareIn,
  unlimitedCpu,
  type ShareClock,
} from '../../../../services/compute-agent/mover/cpu-share.ts';

/** A process on one clock: it works by using processor time, on so many threads at once, and rests when it waits. */
function machine() {
  let now_seconds = 0;
  let used_seconds = 0;
  let waits = 0;
  const clock: ShareClock = {
    now_seconds: () => now_seconds,
    used_seconds: () => used_seconds,
    wait: (seconds) => {
      waits += 1;
      now_seconds += seconds;
      return Promise.resolve();
    },
  };
  return {
    clock,
    work: (seconds: number, threads = 1) => {
      used_seconds += seconds * threads;
      now_seconds += seconds;
    },
    rest: (seconds: number) => (now_seconds += seconds),
    now: () => now_seconds,
    used: () => used_seconds,
    waits: () => waits,
  };
}

const pieces = fc.array(
  fc.record({
    work_seconds: fc.double({ min: 0.0001, max: 0.05, noNaN: true }),
    threads: fc.integer({ min: 1, max: 4 }),
    rest_seconds: fc.double({ min: 0, max: 0.2, noNaN: true }),
  }),
  { minLength: 1, maxLength: 200 },
);

test('never takes more than its share, a burst and the piece at hand', async () => {
  await fc.assert(
    fc.asyncProperty(pieces, fc.constantFrom(0.05, 0.5, 1, 2), async (work, cores) => {
      const { clock, work: use, rest, now, used } = machine();
      const share = new CpuShare(cores, clock);
      for (const { work_seconds, threads, rest_seconds } of work) {
        await share.turn();
        // Before the piece: what was used is earned.
        expect(used()).toBeLessThanOrEqual(now() * cores + 0.1 * cores + 1e-9);
        use(work_seconds, threads);
        rest(rest_seconds);
      }
    }),
    { numRuns: 100 },
  );
});

test('one that works on one thread is not held back by a share of one core', async () => {
  const { clock, work, waits } = machine();
  const share = new CpuShare(1, clock);
  for (let piece = 0; piece < 100; piece += 1) {
    await share.turn();
    work(0.01);
  }
  expect(waits()).toBe(0);
});

test('a long rest earns no more than a burst', async () => {
  const { clock, work, rest, now } = machine();
  const share = new CpuShare(0.5, clock);
  rest(1000);
  await share.turn();
  work(1);
  const began = now();
  await share.turn();
  // A second used, half of it earned meanwhile, a twentieth by the rest: the remaining 0.45 s take 0.9 s.
  expect(now() - began).toBeCloseTo(0.9, 2);
});

test('a worker is told its share among its arguments', async () => {
  expect(cpuShareIn(['node', 'worker.ts', '--drover-sender', '/run/socket'])).toBe(unlimitedCpu);
  expect(cpuShareIn(['node', 'worker.ts', cpuArgument(50)]).cores).toBe(0.5);
  await unlimitedCpu.turn();
});
