import type { HostName } from '../../../shared/domain/ids.ts';
import type { Refusal } from '../claims/capacity.ts';
import type { Decision } from '../placement/decision.ts';
import type { PlacementRequest } from '../placement/model.ts';
import type { Reservation } from '../snapshot/reservations.ts';
import type { AfterCommit, ChooseTask } from './decision.ts';

/** A decision and what is tried of it: its choice, then the alternates. */
export interface Round {
  readonly decision: Decision;
  /** Packed before any lock is held. */
  readonly record: Buffer;
  readonly request: PlacementRequest;
  readonly candidate: HostName;
  readonly others: readonly HostName[];
  /** Counts the candidate as taken until it is. */
  readonly reservation: Reservation;
}

/** One choice of a host under way: what is tried now, and what has refused. */
export class Choice {
  readonly task: ChooseTask;
  readonly refusals = new Map<HostName, Refusal>();
  /** Decisions made for it so far. */
  decisions = 0;
  /** Null: to be decided, for the first time or again. */
  round: Round | null = null;
  readonly #outcome = Promise.withResolvers<AfterCommit | null>();

  constructor(task: ChooseTask) {
    this.task = task;
  }

  /** What was committed; null when the order was overtaken. */
  get outcome(): Promise<AfterCommit | null> {
    return this.#outcome.promise;
  }

  end(outcome: AfterCommit | null): void {
    this.#outcome.resolve(outcome);
  }

  fail(error: unknown): void {
    this.#outcome.reject(error);
  }
}

/** Nova's text where scripts look for one, then what the claims said. */
export function failureMessage(decision: Decision, refusals: ReadonlyMap<HostName, Refusal>): string {
  const refused = [...refusals].map(([host, { message }]) => `${host} ${message}`).join('; ');
  if (decision.no_valid_host !== null && refusals.size === 0) return decision.no_valid_host.message;
  const words = 'No valid host was found. There are not enough hosts available.';
  return refused === '' ? words : `${words} Refused when claimed: ${refused}.`;
}
