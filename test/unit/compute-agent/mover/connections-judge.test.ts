import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ConnectionsJudge,
  type ConnectionsBounds,
} from '../../../../services/compute-agent/mover/sender/connections-judge.ts';

const MEBIBYTE = 1024 * 1024;
const MS_PER_SECOND = 1000;
/** More than any copy here sends. */
const DISK_BYTES = 2 ** 46;
const DEFAULTS: ConnectionsBounds = { least: 1, most: 8 };

/** What a copy's pace depends on, and what the judge is not told. In MiB/s. */
interface World {
  /** What each connection carries at most. */
  readonly per_connection: number;
  /** What all of them carry together at most. */
  readonly link?: number;
  /** What the processors can do with one connection, and how much less with each further one. */
  readonly processors?: number;
  readonly loss_per_connection?: number;
  /** What the source reads, or the limit lets through. */
  readonly source?: number;
  /** For this part of the time the sending thread is at work. */
  readonly busy?: number;
  /** An extent takes so much longer or shorter, in turns: a part. */
  readonly noise?: readonly number[];
}

function paceWith(world: World, count: number): { readonly pace: number; readonly is_held_up: boolean } {
  const { per_connection, link = Infinity, processors = Infinity, source = Infinity } = world;
  const way = Math.min(per_connection * count, link);
  const work = processors * (1 - (world.loss_per_connection ?? 0) * (count - 1));
  return { pace: Math.min(way, work, source), is_held_up: way <= Math.min(work, source) };
}

/** Sends extents through a world that may change on the way. Time passes as the world says. */
class Copy {
  readonly judge: ConnectionsJudge;
  now_milliseconds = 0;
  open: number;
  packing = 0;
  /** A part of what was plain. */
  ratio = 1;
  /** Changes of the number of connections, in order. */
  readonly counts: number[];
  /** With another number than the one that was found. */
  looking_milliseconds = 0;
  #put_bytes = 0;
  #plain_bytes = 0;
  #held_up_milliseconds = 0;
  #busy_milliseconds = 0;
  #left_bytes: number;
  #extents = 0;

  constructor(bounds: ConnectionsBounds = DEFAULTS, disk_bytes = DISK_BYTES) {
    this.judge = new ConnectionsJudge(bounds);
    this.open = this.judge.wanted;
    this.counts = [this.open];
    this.#left_bytes = disk_bytes;
  }

  /** @param opening what a further connection takes until it is there; Infinity: it cannot be made */
  send(seconds: number, world: World, opening_seconds = 0.2): this {
    const until = this.now_milliseconds + seconds * MS_PER_SECOND;
    let opened_at: number | null = null;
    while (this.now_milliseconds < until && this.#left_bytes > 0) {
      this.#put(world);
      const { wanted } = this.judge;
      if (wanted < this.open) this.open = wanted;
      if (wanted <= this.open) opened_at = null;
      else opened_at ??= this.now_milliseconds + opening_seconds * MS_PER_SECOND;
      if (opened_at !== null && this.now_milliseconds >= opened_at) this.open = wanted;
      if (this.counts.at(-1) !== this.open) this.counts.push(this.open);
    }
    return this;
  }

  #put(world: World): void {
    const { pace, is_held_up } = paceWith(world, this.open);
    const noise = world.noise?.[this.#extents % world.noise.length] ?? 0;
    const wire_bytes = MEBIBYTE * this.ratio;
    const milliseconds = ((wire_bytes / MEBIBYTE / pace) * MS_PER_SECOND) / (1 + noise);
    this.#extents += 1;
    this.now_milliseconds += milliseconds;
    if (this.judge.wanted !== this.judge.found) this.looking_milliseconds += milliseconds;
    this.#put_bytes += wire_bytes;
    this.#plain_bytes += MEBIBYTE;
    this.#left_bytes -= MEBIBYTE;
    if (is_held_up) this.#held_up_milliseconds += milliseconds;
    this.#busy_milliseconds += milliseconds * (world.busy ?? 0);
    this.judge.notePut({
      now_milliseconds: this.now_milliseconds,
      open: this.open,
      packing: this.packing,
      put_bytes: this.#put_bytes,
      plain_bytes: this.#plain_bytes,
      held_up_milliseconds: this.#held_up_milliseconds,
      busy_milliseconds: this.#busy_milliseconds,
      left_bytes: this.#left_bytes,
    });
  }
}

describe('what is found', () => {
  test.for([
    ['connections that each wait for a round trip', { per_connection: 20 }, 4, 4],
    ['many of them', { per_connection: 20 }, 8, 8],
    ['two that fill the link', { per_connection: 50, link: 100 }, 8, 2],
    ['three that nearly fill it', { per_connection: 40, link: 110 }, 8, 3],
    ['a fourth that brings a twelfth', { per_connection: 40, link: 130 }, 8, 3],
    ['a link that one fills', { per_connection: 200, link: 100 }, 8, 1],
    ['a slow link that one fills', { per_connection: 8, link: 0.5 }, 8, 1],
    ['slow connections', { per_connection: 0.5 }, 4, 4],
    [
      'processors that are slower with each',
      { per_connection: 300, processors: 200, loss_per_connection: 0.1 },
      8,
      1,
    ],
    ['a limit', { per_connection: 40, source: 25 }, 8, 1],
    ['a limit that two reach', { per_connection: 40, source: 75 }, 8, 2],
    ['a second that brings a third', { per_connection: 60, link: 80 }, 8, 2],
    ['one is all there may be', { per_connection: 20 }, 1, 1],
  ] as const)('%s', ([, world, most, count]) => {
    const copy = new Copy({ least: 1, most }).send(60, world);
    expect(copy.judge.found).toBe(count);
    expect(Math.max(...copy.counts)).toBeLessThanOrEqual(most);
  });

  test('is found one after the other', () => {
    // Two seconds until something is known of one; then each further one is settled and measured for as long.
    const copy = new Copy({ least: 1, most: 4 }).send(7, { per_connection: 20 });
    expect(copy.counts).toEqual([1, 2, 3, 4]);
  });

  test('is never less than what is asked for', () => {
    const copy = new Copy({ least: 3, most: 4 }).send(600, { per_connection: 200, link: 100 });
    expect(copy.judge.found).toBe(3);
    expect(Math.min(...copy.counts)).toBe(3);
  });

  test('is exactly what is asked for', () => {
    const copy = new Copy({ least: 4, most: 4 }).send(600, { per_connection: 200, link: 100 });
    expect(copy.counts).toEqual([4]);
  });
});

describe('no look is taken', () => {
  test.for([
    ['while a limit is the bottleneck', { per_connection: 40, source: 25 }],
    ['while the source is', { per_connection: 400, source: 100 }],
    ['while the processors are', { per_connection: 400, processors: 200 }],
    ['while the thread that would serve it has no time', { per_connection: 20, busy: 0.9 }],
  ] as const)('%s', ([, world]) => {
    expect(new Copy().send(600, world).counts).toEqual([1]);
  });

  test('when little is left', () => {
    const copy = new Copy(DEFAULTS, 100 * MEBIBYTE).send(600, { per_connection: 20 });
    expect(copy.counts).toEqual([1]);
  });
});

describe('what was found once', () => {
  test('is given up when it does not help any more', () => {
    const copy = new Copy({ least: 1, most: 4 }).send(30, { per_connection: 20 });
    expect(copy.judge.found).toBe(4);
    copy.send(600, { per_connection: 200, link: 100 });
    expect(copy.judge.found).toBe(1);
  });

  test('is given up when it brings hardly more', () => {
    const copy = new Copy({ least: 1, most: 4 }).send(30, { per_connection: 40 });
    copy.send(600, { per_connection: 40, link: 130 });
    expect(copy.judge.found).toBe(3);
  });

  test('is given up under a limit that fewer reach', () => {
    const copy = new Copy({ least: 1, most: 4 }).send(30, { per_connection: 20 });
    copy.judge.forget();
    copy.send(600, { per_connection: 20, source: 10 });
    expect(copy.judge.found).toBe(1);
  });

  test('is more again when the limit is lifted', () => {
    const copy = new Copy({ least: 1, most: 4 }).send(600, { per_connection: 40, link: 40 });
    expect(copy.judge.found).toBe(1);
    copy.judge.forget();
    copy.send(60, { per_connection: 40 });
    expect(copy.judge.found).toBe(4);
  });

  test('stands when a session ends in the middle of a look', () => {
    const copy = new Copy().send(2.2, { per_connection: 20 });
    expect(copy.judge.wanted).toBe(2);
    copy.judge.endLook();
    expect(copy.judge.wanted).toBe(1);
  });
});

describe('a connection that cannot be made', () => {
  test('is not waited for', () => {
    const copy = new Copy().send(20, { per_connection: 20 }, Infinity);
    expect(copy.judge.wanted).toBe(2);
    copy.judge.noteRefused(1);
    copy.send(1, { per_connection: 20 }, Infinity);
    expect(copy.judge.wanted).toBe(1);
  });

  test('is given up of itself, and tried again', () => {
    const copy = new Copy().send(40, { per_connection: 20 }, Infinity);
    expect(copy.judge.wanted).toBe(1);
    copy.send(600, { per_connection: 20 });
    expect(copy.judge.found).toBe(8);
  });

  test('is one fewer', () => {
    const copy = new Copy({ least: 1, most: 4 }).send(30, { per_connection: 20 });
    copy.judge.noteRefused(2);
    expect(copy.judge.wanted).toBe(2);
    copy.send(2, { per_connection: 20 });
    expect(copy.judge.wanted).toBe(2);
    copy.send(200, { per_connection: 20 });
    expect(copy.judge.found).toBe(4);
  });
});

test('a time in which nothing was sent does not count', () => {
  const world = { per_connection: 20 };
  const copy = new Copy({ least: 1, most: 2 }).send(3, world);
  expect(copy.judge.wanted).toBe(2);
  copy.now_milliseconds += 300_000;
  copy.judge.restart();
  copy.send(5, world);
  expect(copy.judge.found).toBe(2);
});

describe('packing', () => {
  test('that is tried for a short time is not taken for the connections', () => {
    const world = { per_connection: 20, link: 20 };
    const copy = new Copy({ least: 1, most: 4 });
    for (let turn = 0; turn < 300; turn += 1) {
      copy.packing = turn % 5 === 0 ? 1 : 2;
      copy.ratio = turn % 5 === 0 ? 1 : 0.25;
      copy.send(0.4, world);
    }
    expect(copy.judge.found).toBe(1);
  });

  test('of a disk that packs better from here on is not the work of the connections', () => {
    const copy = new Copy({ least: 1, most: 4 });
    copy.packing = 3;
    copy.ratio = 0.8;
    copy.send(2.5, { per_connection: 20, link: 20 });
    expect(copy.judge.wanted).toBe(2);
    copy.ratio = 0.2;
    copy.send(5, { per_connection: 20, link: 20 });
    expect(copy.judge.found).toBe(1);
  });

  test('that has followed the connections is judged by what has arrived', () => {
    const copy = new Copy({ least: 1, most: 2 });
    copy.packing = 5;
    copy.ratio = 0.2;
    copy.send(2.5, { per_connection: 20 });
    expect(copy.judge.wanted).toBe(2);
    copy.packing = 0;
    copy.ratio = 1;
    copy.send(5, { per_connection: 20 });
    expect(copy.judge.found).toBe(1);
  });
});

const worlds: fc.Arbitrary<World> = fc.record({
  per_connection: fc.double({ min: 1, max: 100, noNaN: true }),
  link: fc.double({ min: 1, max: 300, noNaN: true }),
  processors: fc.double({ min: 20, max: 300, noNaN: true }),
  loss_per_connection: fc.double({ min: 0, max: 0.1, noNaN: true }),
  source: fc.double({ min: 1, max: 300, noNaN: true }),
});
const noises = fc.array(fc.double({ min: -0.2, max: 0.2, noNaN: true }), { minLength: 1, maxLength: 50 });
const bounds = fc
  .tuple(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 8 }))
  .map(([one, other]) => ({ least: Math.min(one, other), most: Math.max(one, other) }));

test('in any world, the number stays within its bounds, and the pace is near the best', () => {
  fc.assert(
    fc.property(worlds, bounds, (world, { least, most }) => {
      const copy = new Copy({ least, most }).send(400, world);
      expect(Math.min(...copy.counts)).toBeGreaterThanOrEqual(least);
      expect(Math.max(...copy.counts)).toBeLessThanOrEqual(most);
      const { pace } = paceWith(world, copy.judge.found);
      const counts = Array.from({ length: most - least + 1 }, (_, place) => least + place);
      const best = Math.max(...counts.map((count) => paceWith(world, count).pace));
      // Each step that was not taken may have brought a seventh.
      expect(pace).toBeGreaterThan(best * 0.75);
    }),
    { numRuns: 40 },
  );
});

test('in any world, however it changes, looks take a small part of the time once it is known', () => {
  fc.assert(
    fc.property(fc.array(worlds, { minLength: 1, maxLength: 4 }), noises, (changing, noise) => {
      const copy = new Copy().send(120, { ...(changing[0] as World), noise });
      const looking_before = copy.looking_milliseconds;
      const began_at = copy.now_milliseconds;
      for (let turn = 0; turn < 8; turn += 1)
        copy.send(100, { ...(changing[turn % changing.length] as World), noise });
      const part = (copy.looking_milliseconds - looking_before) / (copy.now_milliseconds - began_at);
      expect(part).toBeLessThan(0.25);
    }),
    { numRuns: 15 },
  );
});

test('a limit that changes all the time makes no more looks than the time allows', () => {
  const copy = new Copy();
  for (let turn = 0; turn < 60; turn += 1) {
    copy.send(20, { per_connection: 0.8, link: 0.8 });
    copy.judge.forget();
  }
  expect(copy.looking_milliseconds).toBeGreaterThan(0);
  expect(copy.looking_milliseconds / copy.now_milliseconds).toBeLessThan(0.15);
});

test('a world that stays is looked at more and more rarely', () => {
  const world = { per_connection: 20, link: 20, noise: [0.1, -0.1, 0.05, -0.05, 0.02] };
  const copy = new Copy().send(600, world);
  const first = copy.counts.length;
  copy.send(6000, world);
  expect(copy.judge.found).toBe(1);
  // Ten minutes between two looks in the end, and two changes for each.
  expect(copy.counts.length - first).toBeLessThanOrEqual(2 * 12);
});
