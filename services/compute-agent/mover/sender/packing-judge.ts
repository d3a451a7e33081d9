import { HEAVIEST, LIGHTEST, PLAIN, TRIED, type PackingStep } from './packing-levels.ts';

/** A packed payload must be smaller than this part of the plain one. */
export const WORTH_RATIO = 0.9;
/** What the lightest step gets no shorter than this no other one will. */
const HOPELESS_RATIO = 0.97;
/** Weight of the newest measurement in the running mean of a pace. */
const NEWEST_PACE_WEIGHT = 0.5;
/** The same of ratios: one that packs well is believed at once, a few that do not are borne. */
const NEWEST_RATIO_WEIGHT = 0.3;

/** Payloads at the beginning of a measurement that still find what an earlier step has left on the way. */
const SETTLING_PAYLOADS = 6;
const MEASURED_PAYLOADS = 16;
const MEASURED_MILLISECONDS = 250;
/** On a slow link so many payloads are enough, once so much time has passed. */
const FEW_PAYLOADS = 4;
const LONG_MILLISECONDS = 2000;

/** Packing takes processor time from guests: it must gain this much over none at all. */
const GAIN_OF_PACKING = 1.15;
/** And a heavier step this much over a lighter one. */
const GAIN_OF_MORE = 1.05;
/** A lighter step that is slower by less than this part is taken. */
const HYSTERESIS = 0.04;

/** Measurements until a neighbour is looked at again: doubled each time it was not better. */
const LOOK_AGAIN_MIN = 4;
const LOOK_AGAIN_MAX = 64;

/** A look ends when it goes at less than this part of the best pace. */
const HOPELESS = 0.7;

interface Neighbour {
  wait: number;
  next_wait: number;
}

/**
 * Finds the packing at which a transfer goes fastest, by trying: it measures the pace of what arrives at the step in
 * use, now and then at the step beside it, and moves when that is better.
 *
 * Not reckoned from the rates of link and packing: what a payload costs depends on who else uses the processors (the
 * other side of the transfer unpacks, hashes and writes on the same machine in tests, beside guests in life), on the
 * ciphers, the limit and the receiver's disk. A model of all that packed where it did not pay, and did not where it
 * would have.
 */
export class PackingJudge {
  #step: PackingStep = PLAIN;
  /** Where we come back to when what is tried is not better. */
  #best: PackingStep = PLAIN;
  #ratio: number | null = null;
  readonly #pace: (number | undefined)[] = [];
  readonly #neighbours = new Map<PackingStep, Neighbour>();
  #settling = SETTLING_PAYLOADS;
  /** Since the step was taken. */
  #seen = new Measurement();
  /** The same after the settling. */
  #measured = new Measurement();

  /** For the next payload. */
  get step(): PackingStep {
    return this.#step;
  }

  /** What a payload was packed to, at the step or for a try: a part of its length. */
  noteRatio(step: PackingStep, ratio: number): void {
    // It says little of what the heavier ones would make of it.
    if (step === LIGHTEST && ratio < HOPELESS_RATIO) return;
    const was_worth = this.#isWorth();
    this.#ratio = this.#ratio === null ? ratio : mean(this.#ratio, ratio, NEWEST_RATIO_WEIGHT);
    const is_worth = this.#isWorth();
    if (was_worth === is_worth) return;
    // What the disk holds here is not what it held before.
    this.forget();
  }

  /** Nothing that was measured counts any more: another limit holds now. */
  forget(): void {
    this.#pace.length = 0;
    this.#neighbours.clear();
    this.#best = this.#isWorth() ? LIGHTEST : PLAIN;
    this.#turnTo(this.#best);
  }

  #isWorth(): boolean {
    return this.#ratio !== null && this.#ratio < WORTH_RATIO;
  }

  /**
   * The link has taken a payload.
   * @param step that `step` said when it was made
   */
  notePut(step: PackingStep, plain_bytes: number, now_milliseconds: number): void {
    if (step !== this.#step) return;
    this.#seen.add(plain_bytes, now_milliseconds);
    if (this.#isHopeless()) return this.#judge(this.#seen.pace);
    if (this.#settling > 0) {
      this.#settling -= 1;
      return;
    }
    this.#measured.add(plain_bytes, now_milliseconds);
    const { payloads, milliseconds } = this.#measured;
    const is_enough =
      (payloads >= MEASURED_PAYLOADS && milliseconds >= MEASURED_MILLISECONDS) ||
      (payloads >= FEW_PAYLOADS && milliseconds >= LONG_MILLISECONDS);
    if (is_enough) this.#judge(this.#measured.pace);
  }

  /** A look at a step that is much slower is not worth its whole time. */
  #isHopeless(): boolean {
    const best_pace = this.#pace[this.#best];
    if (this.#step === this.#best || best_pace === undefined || this.#seen.payloads < FEW_PAYLOADS)
      return false;
    return this.#seen.pace < best_pace * HOPELESS;
  }

  /** Nothing was on its way for a while: what is measured begins anew. */
  restart(): void {
    this.#turnTo(this.#step);
  }

  #turnTo(step: PackingStep): void {
    this.#step = step;
    this.#settling = SETTLING_PAYLOADS;
    this.#seen = new Measurement();
    this.#measured = new Measurement();
  }

  #judge(pace: number): void {
    const tried = this.#step;
    const known = this.#pace[tried];
    this.#pace[tried] =
      known === undefined || tried !== this.#best ? pace : mean(known, pace, NEWEST_PACE_WEIGHT);
    if (tried !== this.#best) this.#compare(tried, pace);
    // After a look that was not worth it, the best is measured again first.
    this.#turnTo(tried === this.#best && this.#isWorth() ? this.#nextToTry() : this.#best);
  }

  #compare(tried: PackingStep, pace: number): void {
    const neighbour = this.#neighbour(tried);
    if (isBetter(tried, pace, this.#best, this.#pace[this.#best] ?? 0)) {
      const direction = tried - this.#best;
      this.#best = tried;
      // Perhaps there is more to be had the same way.
      this.#neighbours.clear();
      this.#neighbour(tried - direction).wait = LOOK_AGAIN_MIN;
      return;
    }
    neighbour.wait = neighbour.next_wait;
    neighbour.next_wait = Math.min(neighbour.next_wait * 2, LOOK_AGAIN_MAX);
  }

  /** The best, unless it is time to look at one beside it. */
  #nextToTry(): PackingStep {
    const beside = [this.#best + 1, this.#best - 1].filter((step) => step >= PLAIN && step <= HEAVIEST);
    // What the lightest step shortens too little the one behind it may be worth packing with.
    if (this.#best === PLAIN) beside.push(TRIED);
    for (const step of beside) {
      const neighbour = this.#neighbour(step);
      if (neighbour.wait <= 0) return step;
      neighbour.wait -= 1;
    }
    return this.#best;
  }

  #neighbour(step: PackingStep): Neighbour {
    const known = this.#neighbours.get(step) ?? { wait: 0, next_wait: LOOK_AGAIN_MIN };
    this.#neighbours.set(step, known);
    return known;
  }
}

/** The pace of payloads, from the first one on. */
class Measurement {
  #began_at: number | null = null;
  #ended_at = 0;
  #bytes = 0;
  payloads = 0;

  add(plain_bytes: number, now_milliseconds: number): void {
    this.#ended_at = now_milliseconds;
    // When it began is not known of the first one.
    if (this.#began_at === null) {
      this.#began_at = now_milliseconds;
      return;
    }
    this.payloads += 1;
    this.#bytes += plain_bytes;
  }

  get milliseconds(): number {
    return this.#ended_at - (this.#began_at ?? this.#ended_at);
  }

  /** Bytes per millisecond. */
  get pace(): number {
    return this.#bytes / Math.max(this.milliseconds, 0.01);
  }
}

/** A heavier step must be faster; a lighter one nearly as fast. */
function isBetter(tried: PackingStep, pace: number, best: PackingStep, best_pace: number): boolean {
  const gain = Math.min(tried, best) === PLAIN ? GAIN_OF_PACKING : GAIN_OF_MORE;
  return tried > best ? pace > best_pace * gain : pace * (gain - HYSTERESIS) > best_pace;
}

const mean = (old: number, newest: number, weight: number): number => old * (1 - weight) + newest * weight;
