import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Compressor } from '../../../../services/compute-agent/mover/sender/compressor.ts';
import {
  HEAVIEST,
  LIGHTEST,
  levelAt,
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
  /** Of plain bytes, by level. */
  readonly packing_mib_s: Readonly<Record<number, number>>;
  /** What a payload is packed to, by level. */
  readonly ratios: Readonly<Record<number, number>>;
  /** What the slowest of the rest does: reading, hashing, the receiver's disk. */
  readonly rest_mib_s?: number;
}

/** In the world, when all payloads go at this step. */
function paceAt({ link_mib_s, packing_mib_s, ratios, rest_mib_s = 2000 }: World, step: number): number {
  const level = levelAt(step);
  if (level === null) return Math.min(link_mib_s, rest_mib_s);
  return Math.min(link_mib_s / (ratios[level] ?? 1), packing_mib_s[level] ?? 0, rest_mib_s);
}

const steps = Array.from({ length: HEAVIEST + 1 }, (_, step) => step);
/** The same for each level from the lightest on. */
const byLevel = (values: readonly [number, number, number, number, number]): Record<number, number> =>
  Object.fromEntries(values.map((value, place) => [levelAt(LIGHTEST + place), value]));
const bestPace = (world: World): number => Math.max(...steps.map((step) => paceAt(world, step)));

/** Sends payloads through a world that may change on the way. */
class Sending {
  now_milliseconds = 0;
  readonly steps: number[] = [];
  tries = 0;
  /** Packed, and not given back yet. */
  lent = 0;
  #world: World;
  readonly #compressor: Compressor;

  constructor(world: World) {
    this.#world = world;
    this.#compressor = new Compressor({
      now_milliseconds: () => this.now_milliseconds,
      pack: ({ length }, level) => {
        this.tries += 1;
        this.lent += 1;
        return Promise.resolve({
          bytes: plain.subarray(0, Math.ceil(length * (this.#world.ratios[level] ?? 1))),
          release: () => (this.lent -= 1),
        });
      },
      close: () => undefined,
    });
  }

  /** @returns MiB/s */
  async send(payloads: number, world = this.#world): Promise<number> {
    this.#world = world;
    const began_at = this.now_milliseconds;
    for (let payload = 0; payload < payloads; payload += 1) {
      const { step, release } = await this.#compressor.pack(plain);
      this.steps.push(step);
      release();
      this.now_milliseconds += MS_PER_SECOND / paceAt(world, step);
      this.#compressor.notePut(step, plain.length);
    }
    expect(this.lent).toBe(0);
    return payloads / ((this.now_milliseconds - began_at) / MS_PER_SECOND);
  }

  setLimit(): void {
    this.#compressor.forget();
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
const text = {
  packing_mib_s: byLevel([450, 290, 220, 160, 80]),
  ratios: byLevel([0.44, 0.33, 0.23, 0.19, 0.17]),
};
const noise = { ...text, ratios: byLevel([1, 1, 1, 1, 1]) };

test.for([
  ['a link faster than any packing', { ...text, link_mib_s: 600 }, PLAIN],
  ['a link that packing gains little on', { ...text, link_mib_s: 420 }, PLAIN],
  ['one that the lightest step is enough for', { ...text, link_mib_s: 200 }, LIGHTEST],
  ['one that the second step fits best', { ...text, link_mib_s: 100 }, 2],
  ['one that a heavier step fits', { ...text, link_mib_s: 45 }, 3],
  ['a slow link', { ...text, link_mib_s: 5 }, HEAVIEST],
  [
    'a receiver that takes no more than the link brings',
    { ...text, link_mib_s: 100, rest_mib_s: 100 },
    PLAIN,
  ],
  ['what does not get shorter', { ...noise, link_mib_s: 5 }, PLAIN],
] as const)('%s', async ([, world, step]) => {
  const sending = new Sending(world);
  await sending.send(LEARNING_PAYLOADS);
  await sending.send(LEARNING_PAYLOADS);
  expect(sending.settled).toBe(step);
});

test('what the lightest step hardly shortens is packed harder where that pays', async () => {
  const programs = {
    packing_mib_s: byLevel([900, 400, 260, 160, 80]),
    ratios: byLevel([0.93, 0.6, 0.5, 0.45, 0.42]),
  };
  const sending = new Sending({ ...programs, link_mib_s: 100 });
  await sending.send(2 * LEARNING_PAYLOADS);
  expect(sending.settled).toBeGreaterThan(LIGHTEST);
});

test('what does not get shorter costs one try in 32', async () => {
  const sending = new Sending({ ...noise, link_mib_s: 5 });
  await sending.send(320);
  expect(sending.tries).toBe(10);
  expect(new Set(sending.steps)).toEqual(new Set([PLAIN]));
});

test('text behind random bytes is noticed, and the other way round', async () => {
  const slow = { ...text, link_mib_s: 30 };
  const random = { ...noise, link_mib_s: 30 };
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

test('a limit that is set on the way is packed for from then on', async () => {
  const sending = new Sending({ ...text, link_mib_s: 600 });
  await sending.send(LEARNING_PAYLOADS);
  expect(sending.settled).toBe(PLAIN);
  sending.setLimit();
  await sending.send(60, { ...text, link_mib_s: 10 });
  expect(sending.steps.slice(-60).filter((step) => step === PLAIN).length).toBeLessThan(5);
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
    .map(([first, slower]) =>
      byLevel([first * 1.5, first, first / slower, first / slower / 1.5, first / slower / 3]),
    ),
  // From little to much: whether the lightest step gains anything is all that is known of the heavier ones.
  ratios: fc
    .integer({ min: 5, max: 75 })
    .map((first) => byLevel([first / 80, first / 100, first / 125, first / 143, first / 154])),
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
