import type { HostName, ImageId } from '../../../shared/domain/ids.ts';
import type { FlavorSpec } from '../../../shared/domain/instance-spec.ts';
import type {
  MigrationStatus,
  OperationState,
  Phase,
  PowerState,
  TaskState,
  VmState,
} from '../../../shared/domain/states.ts';
import type { CommandArguments, CommandName, CommandResults } from '../../../shared/messaging/commands.ts';
import type { StepProgress } from '../../../shared/messaging/messages.ts';
import type { OperationFacts, Reason } from './model.ts';
import type { Transfer } from './turn-queue.ts';

/** What the shell must do after the commit. */
export type Order =
  | {
      readonly type: 'command';
      readonly host: HostName;
      readonly command: CommandName;
      readonly arguments: CommandArguments[CommandName];
      readonly step: string;
      readonly direction: 'action' | 'undo';
      readonly attempt: number;
      readonly epoch: number;
      readonly deadline_seconds: number;
    }
  /**
   * Ask the placement core and claim; answers with `claimed` or `choose_failed`. The claim's own transaction must
   * find the operation still running at this attempt of `choose`, else a slow scheduler leaks a claim.
   */
  | { readonly type: 'choose'; readonly attempt: number; readonly ignore_hosts: readonly HostName[] }
  /** Look whether this copy may begin, and decide the same event again with the answer, before anything is written. */
  | { readonly type: 'turn'; readonly transfer: Transfer };

/** One change of rows, applied by the shell in the decision's own transaction. Closed union. */
export type Change =
  | { readonly type: 'operation'; readonly set: OperationPatch }
  | { readonly type: 'instance'; readonly set: InstancePatch }
  | { readonly type: 'migration'; readonly set: MigrationPatch }
  | { readonly type: 'progress'; readonly progress: StepProgress['progress'] }
  | {
      readonly type: 'step_log';
      readonly step: string;
      readonly direction: 'action' | 'undo';
      readonly attempt: number;
      readonly event: string;
      readonly host: HostName | null;
      readonly summary: string | null;
      readonly details?: object;
    }
  /** Target's claim of the instance is released; the migration's source claim goes back to the instance. */
  | { readonly type: 'claims_back_to_source' }
  /** The migration's source claim is released (confirm). */
  | { readonly type: 'claims_release_source' }
  /** Every claim of the instance and its migrations is released (delete). */
  | { readonly type: 'claims_release_all' }
  | { readonly type: 'event_start'; readonly event: string; readonly host: HostName | null }
  | {
      readonly type: 'event_finish';
      readonly event: string;
      readonly result: 'Success' | 'Error';
      readonly details: string | null;
    }
  | { readonly type: 'action_finish'; readonly message: 'Error' | null }
  | {
      readonly type: 'fault';
      readonly code: number;
      readonly message: string;
      readonly details: string | null;
    }
  /** An image that was to be made of the instance will not be: its row is deleted, unless it is complete. */
  | { readonly type: 'image_abandoned'; readonly image_id: ImageId }
  /** The instance is gone: mark its row deleted. */
  | { readonly type: 'instance_deleted' };

export interface OperationPatch {
  readonly state?: OperationState;
  readonly step?: string | null;
  readonly step_state?: 'pending' | 'ordered';
  readonly attempt?: number;
  readonly recoveries?: number;
  readonly facts?: OperationFacts;
  readonly cancel_requested?: boolean;
  readonly turn?: 'waiting' | 'held' | null;
  readonly turn_tag?: number | null;
  readonly reason?: Reason | null;
  /** Seconds from now; null: none. */
  readonly deadline_seconds?: number | null;
}

export interface InstancePatch {
  readonly host?: HostName | null;
  readonly node?: string | null;
  readonly epoch?: number;
  readonly vm_state?: VmState;
  readonly task_state?: TaskState | null;
  readonly power_state?: PowerState;
  readonly availability_zone?: string | null;
  readonly flavor?: FlavorSpec;
  /** The move has ended, either way: Nova shows no progress of a server that does nothing. */
  readonly progress?: 0;
  /** launched_at := now */
  readonly launched?: true;
}

export interface MigrationPatch {
  readonly status?: MigrationStatus;
  readonly phase?: Phase;
  readonly target_host?: HostName;
  readonly target_node?: string;
  readonly target_address?: string;
  readonly was_running?: boolean;
  readonly decision_id?: string;
  readonly reason?: Reason | null;
  /** The copy's own count: progress events are throttled and the last one may be missing. */
  readonly sent_bytes?: number;
  readonly skipped_bytes?: number;
  readonly resent_bytes?: number;
  readonly rounds?: CommandResults['precopy']['rounds'];
  readonly precopy_ended?: CommandResults['precopy']['ended'];
  readonly predicted_downtime_seconds?: number;
  /** The guest is about to be stopped; it runs again, or could. */
  readonly downtime?: 'begins' | 'ends';
  readonly digests?: {
    readonly source?: CommandResults['copy']['digests'];
    readonly target?: CommandResults['verify']['digests'];
  };
  /** Seconds from now until auto-confirm; null: never. */
  readonly confirm_due_seconds?: number | null;
}

/** The machine's answer. `changes` are applied in order, in one transaction with the outbox rows of `orders`. */
export interface Outcome {
  readonly changes: readonly Change[];
  readonly orders: readonly Order[];
  /** One line for the log and the step record. */
  readonly note: string;
}
