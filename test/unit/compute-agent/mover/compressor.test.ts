import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Compressor } from '../../../../services/compute-agent/mover/sender/compressor.ts';
import {
  HEAVIEST,
  LIGHTEST,
  PACKING_LEVELS,
  PLAIN,
} from '../../../../services/compute-agent/mover/sender/packing-levels.ts';

const MEBIBYTE = 1024 * 1024;
const MS_PER_SECOND = 1000;
const plain = Buffer.alloc(MEBIBYTE);
/** Long enough for all looks that are taken at the beginning. */
const LEARNING_PAYLOADS = 400;

/** What a transfer's pace depends on, and what the judge is not told. */
interface World {
  readonly link_mib_s: number;
  /** Of plain bytes, and for each step but the first. */
  readonly packing_mib_s: readonly number[];
  /** What a payload is packed to, for each step but the first. */
  readonly ratios: readonly number[];
  /** What the slowest of the rest does: reading, hashing, the receiver's disk. */
  readonly rest_mib_s?: number;
}

/** In the world, when all payloads go at this step. */
function paceAt({ link_mib_s, packing_mib_s, ratios, rest_mib_s = 2000 }: World, step: number): number {
  const packing = step === PLAIN ? Infinity : (packing_mib_s[step - 1] ?? 0);
  return Math.min(link_mib_s / (step === PLAIN ? 1 : (ratios[step - 1] ?? 1)), packing, rest_mib_s);
}

const steps = PACKING_LEVELS.map((_, step) => step);
const bestPace = (world: World): number => Math.max(...steps.map((step) => paceAt(world, step)));

/** Sends payloads through a world that may change on the way. */
class Sending {
  now_milliseconds = 0;
  readonly steps: number[] = [];
  tries = 0;
  #world: World;
  readonly #compressor: Compressor;

  constructor(world: World) {
    this.#world = world;
    this.#compressor = new Compressor({
      now_milliseconds: () => this.now_milliseconds,
      pack: ({ length }, step) => {
        this.tries += 1;
        return Promise.resolve(plain.subarray(0, Math.ceil(length * (this.#world.ratios[step - 1] ?? 1))));
      },
      close: () => undefined,
    });
  }

  /** @returns MiB/s */
  async send(payloads: number, world = this.#world): Promise<number> {
    this.#world = world;
    const began_at = this.now_milliseconds;
    for (let payload = 0; payload < payloads; payload += 1) {
      const { step } = await this.#compressor.pack(plain);
      this.steps.push(step);
      this.now_milliseconds += MS_PER_SECOND / paceAt(world, step);
      this.#compressor.notePut(step, plain.length);
    }
    return payloads / ((this.now_milliseconds - began_at) / MS_PER_SECOND);
  }

  /** The step that most of the last payloads had. */
  get settled(): number {
    const last = this.steps.slice(-200);
    return steps.reduce((most, step) =>
      last.filter((one) => one === step).length > last.filter((one) => one === most).length ? step : most,
    );
  }
}

/** Text on one core, measured. */
const text = { packing_mib_s: [270, 220, 160, 80], ratios: [0.33, 0.23, 0.19, 0.17] };

test.for([
  ['a link faster than any packing', { ...text, link_mib_s: 600 }, PLAIN],
  ['a link that packing gains little on', { ...text, link_mib_s: 245 }, PLAIN],
  ['one that the lightest packing makes the most of', { ...text, link_mib_s: 100 }, LIGHTEST],
  ['one that a heavier fits', { ...text, link_mib_s: 45 }, 2],
  ['a slow link', { ...text, link_mib_s: 5 }, HEAVIEST],
  [
    'a receiver that takes no more than the link brings',
    { ...text, link_mib_s: 100, rest_mib_s: 100 },
    PLAIN,
  ],
  ['what does not get shorter', { ...text, ratios: [1, 1, 1, 1], link_mib_s: 5 }, PLAIN],
] as const)('%s', async ([, world, step]) => {
  const sending = new Sending(world);
  await sending.send(LEARNING_PAYLOADS);
  await sending.send(LEARNING_PAYLOADS);
  expect(sending.settled).toBe(step);
});

test('what does not get shorter costs one try in 32', async () => {
  const sending = new Sending({ ...text, ratios: [1, 1, 1, 1], link_mib_s: 5 });
  await sending.send(320);
  expect(sending.tries).toBe(10);
  expect(new Set(sending.steps)).toEqual(new Set([PLAIN]));
});

test('text behind random bytes is noticed, and the other way round', async () => {
  const slow = { ...text, link_mib_s: 30 };
  const random = { ...slow, ratios: [1, 1, 1, 1] };
  const sending = new Sending(random);
  await sending.send(100);
  await sending.send(40, slow);
  expect(sending.steps.at(-1)).not.toBe(PLAIN);
  await sending.send(LEARNING_PAYLOADS, slow);
  await sending.send(10, random);
  expect(sending.steps.at(-1)).toBe(PLAIN);
});

test('a link that gets slower is packed for, one that gets faster no more', async () => {
  const sending = new Sending({ ...text, link_mib_s: 600 });
  await sending.send(LEARNING_PAYLOADS);
  await sending.send(4 * LEARNING_PAYLOADS, { ...text, link_mib_s: 60 });
  expect(sending.settled).not.toBe(PLAIN);
  await sending.send(4 * LEARNING_PAYLOADS, { ...text, link_mib_s: 600 });
  expect(sending.settled).toBe(PLAIN);
});

test('short payloads are not worth the call', async () => {
  const compressor = new Compressor({
    now_milliseconds: () => 0,
    pack: () => expect.unreachable('it was packed'),
    close: () => undefined,
  });
  expect((await compressor.pack(Buffer.alloc(100))).is_packed).toBe(false);
});

const worlds = fc.record<World>({
  link_mib_s: fc.integer({ min: 1, max: 1000 }),
  packing_mib_s: fc
    .tuple(fc.integer({ min: 20, max: 800 }), fc.integer({ min: 1, max: 3 }))
    .map(([first, slower]) => [first, first / slower, first / slower / 1.5, first / slower / 3]),
  // From little to much: whether the lightest step gains anything is all that is known of the heavier ones.
  ratios: fc
    .integer({ min: 5, max: 75 })
    .map((first) => [first / 100, (first / 100) * 0.8, (first / 100) * 0.7, (first / 100) * 0.65]),
  rest_mib_s: fc.integer({ min: 50, max: 1000 }),
});

test('in any world it ends near the best that one step could do', async () => {
  await fc.assert(
    fc.asyncProperty(worlds, async (world) => {
      const sending = new Sending(world);
      await sending.send(2 * LEARNING_PAYLOADS);
      const pace = await sending.send(4 * LEARNING_PAYLOADS);
      // What packing must gain before it is worth guests' processor time, twice where it must be climbed, and the looks.
      expect(pace).toBeGreaterThan(bestPace(world) * 0.75);
    }),
  );
});
