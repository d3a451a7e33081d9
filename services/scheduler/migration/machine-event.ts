import type { StepDone, StepFailed, StepProgress } from '../../../shared/messaging/messages.ts';
import type { ChooseFact, Reason } from './model.ts';

/** What a copy was told and does not do: its sender was started anew by an old order, or heard things in another order. */
export type Lost = 'limit' | 'pause';

/** Everything that can happen to an operation. */
export type MachineEvent =
  /** The row was just made, or a waiting one may start now. */
  | { readonly type: 'requested' }
  | { readonly type: 'claimed'; readonly fact: ChooseFact }
  | {
      readonly type: 'choose_failed';
      readonly reason: Omit<Reason, 'step'>;
      readonly decision_id: string | null;
    }
  | Pick<StepDone, 'type' | 'step' | 'direction' | 'attempt' | 'command' | 'summary' | 'result' | 'host'>
  | Pick<
      StepFailed,
      'type' | 'step' | 'direction' | 'attempt' | 'command' | 'code' | 'message' | 'retriable' | 'host'
    >
  | Pick<StepProgress, 'type' | 'step' | 'direction' | 'attempt' | 'progress' | 'host'>
  /**
   * The deadline passed with no answer and no progress. `host_is_up` is about the host that owes the answer:
   * an undo waits for a host that is down, and is retried on one that is up.
   */
  | { readonly type: 'deadline_elapsed'; readonly host_is_up: boolean }
  /** The former driver is gone. What it had in memory (a decision under way) is made again; commands live on in queues. */
  | { readonly type: 'lease_expired' }
  | { readonly type: 'cancel'; readonly by: string }
  /** A person changed the rate, the pause or the priority; `again`: what the copy was told of it is lost. */
  | { readonly type: 'governance_changed'; readonly again?: Lost }
  /** Its turn to copy may have come. */
  | { readonly type: 'turn_due' }
  /** A person ordered a stuck operation to try its undo again. */
  | { readonly type: 'resume' }
  /** A person has seen to what a stuck operation could not do: go on as if it were done. */
  | { readonly type: 'resolve' };
