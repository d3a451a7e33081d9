import type { PrecopyEnd, RoundFigures } from '../../../shared/messaging/commands.ts';

/**
 * After each round of a warm migration: another one, or is it time to stop the guest? Pure: figures in, decision out.
 *
 * The guest is off for the last round (what it changed since the round before was read), for the look at what the
 * target's disk holds of that, and for the steps around them:
 *
 *     changed = rate of change × duration of the round before        (all of the disks, before anything is known)
 *     copy    = the longer of: reading what must be read, sending what has changed
 *     verify  = changed at the rate at which the target has read so far
 *     + what a round costs that has nothing to send, + the steps
 *     + prepare = what the target must read and write to bring disks into its format, and to take in files that they
 *       stand on (it says how much), at the rate at which it has read so far
 *
 * The rate of `prepare` is measured where it will be done, by what reads one extent after the other and makes digests: slower
 * than qemu-img, which does several at once, so it errs to the safe side. Too little is no measure: then a single
 * hard disk is assumed.
 *
 * Not in it: how long the guest takes to shut down. Nobody can know that before.
 */
export interface RoundDecision {
  /** Null: another round. */
  readonly ended: PrecopyEnd | null;
  readonly predicted_downtime_seconds: number;
  /** The part of it that no round makes shorter: the target's `prepare`. */
  readonly predicted_prepare_seconds: number;
}

/** More rounds than this have not helped either. */
export const ROUNDS_MAX = 30;
/** Orders and answers of stop, copy, verify, retire and adopt. */
export const STEPS_SECONDS = 1;
/** Rounds that may pass without a prediction that is better by the part below. */
const PATIENCE_ROUNDS = 3;
const BETTER_BY = 0.1;

/** What a target must have read again for its rate to be known. */
const MEASURED_BYTES_MIN = 16 * 1024 ** 2;
/** Of a hard disk, in order; nobody runs guests on anything slower. */
export const ASSUMED_BYTES_PER_SECOND = 100 * 1024 ** 2;

export interface RoundsSoFar {
  /** In order, at least one. */
  readonly rounds: readonly RoundFigures[];
  readonly budget_seconds: number;
  /** Nobody can say what the guest writes: the last round, too, reads all that is in use. */
  readonly reads_all: boolean;
  /** What the target will read and write to prepare what has arrived; nothing: 0. */
  readonly prepare_bytes?: number;
}

export function decideAfterRound(so_far: RoundsSoFar): RoundDecision {
  const { rounds, budget_seconds, reads_all, prepare_bytes = 0 } = so_far;
  const predicted_prepare_seconds = predictPrepare(rounds, prepare_bytes);
  const predicted_downtime_seconds = predictDowntime(rounds, reads_all) + predicted_prepare_seconds;
  const decided = (ended: PrecopyEnd | null): RoundDecision => ({
    ended,
    predicted_downtime_seconds,
    predicted_prepare_seconds,
  });
  if (predicted_downtime_seconds <= budget_seconds) return decided('fits_budget');
  // Of what rounds can make shorter: a long `prepare` must not hide that they do.
  if (isNotShrinking(rounds, reads_all)) return decided('not_shrinking');
  return decided(rounds.length >= ROUNDS_MAX ? 'rounds_max' : null);
}

/** Seconds that the guest would be off if it were stopped now and the target had nothing to prepare. */
export function predictDowntime(rounds: readonly RoundFigures[], reads_all: boolean): number {
  const [last] = rounds.slice(-1);
  if (last === undefined) return Infinity;
  const changed_bytes = changedSince(rounds, last);
  const copy_seconds = Math.max(
    seconds(changed_bytes, sendingRate(rounds)),
    seconds(reads_all ? last.read_bytes : changed_bytes, readingRate(rounds)),
  );
  return copy_seconds + seconds(changed_bytes, provingRate(rounds)) + last.overhead_seconds + STEPS_SECONDS;
}

/** What the guest has changed since the last round was read, in whole extents. */
function changedSince(rounds: readonly RoundFigures[], last: RoundFigures): number {
  const before = rounds.at(-2);
  // One round says nothing about the guest: everything may have changed.
  if (before === undefined) return last.changed_bytes;
  return Math.min(
    seconds(last.changed_bytes, before.duration_seconds) * last.duration_seconds,
    diskBytes(rounds),
  );
}

const diskBytes = (rounds: readonly RoundFigures[]): number =>
  Math.max(...rounds.map(({ read_bytes, changed_bytes }) => Math.max(read_bytes, changed_bytes)));

/** A pause says nothing of how fast it goes, though the guest writes on meanwhile. */
const workSeconds = ({ duration_seconds, prove_seconds, paused_seconds = 0 }: RoundFigures): number =>
  Math.max(duration_seconds - prove_seconds - paused_seconds, 0);

/** Over the round that has sent most: a round that sends little says little about the line. */
function sendingRate(rounds: readonly RoundFigures[]): number {
  const most = rounds.reduce((a, b) => (b.changed_bytes > a.changed_bytes ? b : a));
  return seconds(most.changed_bytes, workSeconds(most));
}

/** The best so far: reading waits for sending, so each round gives a lower bound. */
const readingRate = (rounds: readonly RoundFigures[]): number =>
  Math.max(...rounds.map((round) => seconds(round.read_bytes, workSeconds(round))));

function provingRate(rounds: readonly RoundFigures[]): number {
  const prove_seconds = rounds.reduce((sum, round) => sum + round.prove_seconds, 0);
  return seconds(provedBytes(rounds), prove_seconds);
}

const provedBytes = (rounds: readonly RoundFigures[]): number =>
  rounds.reduce((sum, round) => sum + round.proved_bytes, 0);

/** Seconds that the target will need to prepare what has arrived. */
function predictPrepare(rounds: readonly RoundFigures[], prepare_bytes: number): number {
  const is_measured = provedBytes(rounds) >= MEASURED_BYTES_MIN;
  return seconds(prepare_bytes, is_measured ? provingRate(rounds) : ASSUMED_BYTES_PER_SECOND);
}

/** A quotient that is 0 for nothing of nothing: no bytes take no time, whatever the rate. */
const seconds = (amount: number, per: number): number =>
  amount === 0 ? 0 : per === 0 ? Infinity : amount / per;

function isNotShrinking(rounds: readonly RoundFigures[], reads_all: boolean): boolean {
  if (rounds.length <= PATIENCE_ROUNDS) return false;
  const predictions = rounds.map((_, index) => predictDowntime(rounds.slice(0, index + 1), reads_all));
  const best_before = Math.min(...predictions.slice(0, -PATIENCE_ROUNDS));
  return Math.min(...predictions.slice(-PATIENCE_ROUNDS)) > best_before * (1 - BETTER_BY);
}
