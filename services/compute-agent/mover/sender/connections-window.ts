import type { PackingStep } from './packing-levels.ts';

const MEASURED_PUTS = 16;
const MEASURED_MILLISECONDS = 1000;
/** On a slow way so few extents are enough, once so much time has passed. */
const FEW_PUTS = 4;
const LONG_MILLISECONDS = 5000;
/** What is not enough after so long will not be. */
const MEASURED_MILLISECONDS_MAX = 20_000;

/** What is so at the moment when a connection has taken an extent. What is counted is counted from any time on. */
export interface ConnectionsSample {
  readonly now_milliseconds: number;
  /** Connections that are there, the leading one among them. */
  readonly open: number;
  /** How the extent was packed. */
  readonly packing: PackingStep;
  readonly put_bytes: number;
  /** The same before it was packed. */
  readonly plain_bytes: number;
  /** Time in which a connection had no room for what was ready: the mean over the connections. */
  readonly held_up_milliseconds: number;
  /** Time in which the thread that serves the connections was at work. */
  readonly busy_milliseconds: number;
  /** Of the disks: not dealt with yet. */
  readonly left_bytes: number;
}

/** How a transfer goes while it packs in one way. */
export interface Going {
  readonly packing: PackingStep;
  /** Bytes per millisecond. */
  readonly wire_pace: number;
  readonly plain_pace: number;
  /** Parts of the time. */
  readonly held_up: number;
  readonly busy: number;
  /** Until all is dealt with. */
  readonly left_milliseconds: number;
}

/**
 * What happens from one extent that was put on. How hard extents are packed is tried now and then too, for shorter times
 * (packing-judge.ts): the times of each way of packing are counted apart, and the first one with enough of them counts.
 */
export class ConnectionsWindow {
  readonly #first: ConnectionsSample;
  #last: ConnectionsSample;
  readonly #sums = new Map<PackingStep, Sum>();

  constructor(first: ConnectionsSample) {
    this.#first = first;
    this.#last = first;
  }

  /** @returns null until there is enough */
  add(sample: ConnectionsSample): Going | null {
    const before = this.#last;
    this.#last = sample;
    // What was on its way when it changed belongs to neither.
    if (sample.packing !== before.packing) return null;
    const sum = this.#sums.get(sample.packing) ?? new Sum();
    this.#sums.set(sample.packing, sum);
    sum.add(before, sample);
    return sum.is_enough ? sum.goingOf(sample) : null;
  }

  /** There will not be enough. */
  get is_over_long(): boolean {
    return this.#last.now_milliseconds - this.#first.now_milliseconds > MEASURED_MILLISECONDS_MAX;
  }
}

const figures = [
  'now_milliseconds',
  'put_bytes',
  'plain_bytes',
  'held_up_milliseconds',
  'busy_milliseconds',
  'left_bytes',
] as const;
type Figure = (typeof figures)[number];

/** What has been counted between extents. */
class Sum {
  #puts = 0;
  readonly #counted = Object.fromEntries(figures.map((figure) => [figure, 0])) as Record<Figure, number>;

  add(before: ConnectionsSample, now: ConnectionsSample): void {
    this.#puts += 1;
    for (const figure of figures) this.#counted[figure] += now[figure] - before[figure];
  }

  get is_enough(): boolean {
    const { now_milliseconds } = this.#counted;
    if (this.#puts >= MEASURED_PUTS && now_milliseconds >= MEASURED_MILLISECONDS) return true;
    return this.#puts >= FEW_PUTS && now_milliseconds >= LONG_MILLISECONDS;
  }

  goingOf({ packing, left_bytes }: ConnectionsSample): Going {
    const of = (figure: Figure): number => this.#counted[figure] / this.#counted.now_milliseconds;
    return {
      packing,
      wire_pace: of('put_bytes'),
      plain_pace: of('plain_bytes'),
      held_up: of('held_up_milliseconds'),
      busy: of('busy_milliseconds'),
      left_milliseconds: left_bytes / Math.max(-of('left_bytes'), Number.MIN_VALUE),
    };
  }
}
