import type {
  HostName,
  ImageId,
  InstanceId,
  MigrationId,
  OperationId,
  RequestId,
} from '../../../shared/domain/ids.ts';
import type { FlavorSpec, ImageUpload, InstanceSpec } from '../../../shared/domain/instance-spec.ts';
import type {
  MigrationStatus,
  OperationKind,
  OperationState,
  Phase,
  PowerState,
  TaskState,
  VmState,
} from '../../../shared/domain/states.ts';
import type { CommandArguments, CommandName, CommandResults } from '../../../shared/messaging/commands.ts';
import type { AgentEvent, StepDone, StepFailed, StepProgress } from '../../../shared/messaging/messages.ts';
import type { Obstacle, Transfer, TransferLimits } from './turn-queue.ts';

/**
 * Words of the machine (a plan's runs are called *operations*, because create, start, stop and delete run
 * through the same machine as a migration's cold, confirm and revert plans do).
 *
 *   action   what a step does          undo     what takes it back
 *   fail     the world said no         cancel   a person asked to stop
 *   unwind   run undos backwards       stuck    an undo failed: a person is needed
 *   order    something the shell must do: send a command, or make a decision
 */

/** The operation as the machine sees it: the row, without lease and bookkeeping columns. */
export interface Operation {
  readonly id: OperationId;
  readonly kind: OperationKind;
  readonly instance_id: InstanceId;
  readonly migration_id: MigrationId | null;
  readonly request_id: RequestId;
  readonly request: OperationRequest;
  readonly state: OperationState;
  /** Name of the current step; null before the first and after the last. */
  readonly step: string | null;
  readonly step_state: 'pending' | 'ordered';
  readonly attempt: number;
  readonly recoveries: number;
  readonly facts: OperationFacts;
  readonly cancel_requested: boolean;
  /** A person wants it to stand still where it can: in the queue, before the guest is stopped, while it copies. */
  readonly paused: boolean;
  /** Of its copy: it waits for one, or it counts against the limits of its hosts. */
  readonly turn: 'waiting' | 'held' | null;
  readonly reason: Reason | null;
}

export interface OperationRequest {
  /** `migrate --host`, or a server created with `host` (2.74): filters still run on it. */
  readonly host?: HostName;
  /** A server created in `zone:host`: only this one, filters skipped. */
  readonly forced_host?: HostName;
  readonly limit_bytes_per_second?: number;
  /** warm: the disks travel while the guest runs, and it is stopped for the rest. */
  readonly mode?: 'cold' | 'warm';
  /** warm: how long the guest may be off. */
  readonly downtime_budget_seconds?: number;
  /** Of a dry run: the claim is refused when the cluster has changed since. */
  readonly if_cluster_version?: number;
  readonly reboot_type?: 'SOFT' | 'HARD';
  /** The image that a server's disk is to become. */
  readonly extract?: CommandArguments['extract'];
  /** Auto-confirm by resize_confirm_window. */
  readonly automatic?: boolean;
}

/** Results of finished steps. A step's name is the key; what an undo needs must be in here. */
export interface OperationFacts {
  readonly choose?: ChooseFact;
  /** An undo was passed over unanswered: what it should have removed may still be there, and running. */
  readonly undo_owed?: true;
  /** Targets that refused after they were claimed: never chosen again by this operation. */
  readonly refused_hosts?: readonly HostName[];
  /** Set when `retire` or `restore` was first ordered: undos from then on need a higher epoch than it wrote. */
  readonly epoch_spent?: true;
  /** The rate that was last told to the running copy, and how often it was changed. */
  readonly limit?: { readonly sent_bytes_per_second: number; readonly changes: number };
  /** Whether the copy was last told to stand still, and how often it was told. */
  readonly pause?: { readonly told: boolean; readonly changes: number };
  /** Damaged extents are sent again, once: what had travelled before that. */
  readonly resend?: {
    readonly sent_bytes: number;
    readonly skipped_bytes: number;
    readonly resent_bytes: number;
  };
  readonly survey?: CommandResults['survey'];
  readonly admit?: CommandResults['admit'];
  readonly stop?: CommandResults['stop'];
  readonly precopy?: CommandResults['precopy'];
  readonly copy?: CommandResults['copy'];
  readonly verify?: CommandResults['verify'];
  readonly adopt?: CommandResults['adopt'];
  readonly extract?: CommandResults['extract'];
  readonly spawn?: CommandResults['spawn'];
  readonly withdraw?: CommandResults['withdraw'];
  readonly restore?: CommandResults['restore'];
  readonly check?: CommandResults['check'];
  readonly 'power-on'?: CommandResults['power_on'];
  readonly 'power-off'?: CommandResults['power_off'];
  readonly reboot?: CommandResults['reboot'];
}

export interface ChooseFact {
  readonly decision_id: string;
  readonly host: HostName;
  readonly node: string;
  readonly address: string;
  readonly availability_zone: string;
}

export interface Reason {
  readonly code: string;
  readonly message: string;
  /** Short form for the API's fault and event details. */
  readonly step: string;
}

/** The instance's columns that the machine reads. */
export interface Instance {
  readonly id: InstanceId;
  readonly host: HostName | null;
  readonly node: string | null;
  readonly epoch: number;
  readonly vm_state: VmState;
  readonly task_state: TaskState | null;
  readonly power_state: PowerState;
  readonly flavor: FlavorSpec;
  readonly availability_zone: string | null;
}

/** The migration's columns that the machine reads. Null for operations that are no move. */
export interface Migration {
  readonly id: MigrationId;
  readonly status: MigrationStatus;
  readonly source_host: HostName;
  readonly source_node: string;
  readonly target_host: HostName | null;
  readonly target_node: string | null;
  readonly old_vm_state: VmState;
  readonly was_running: boolean | null;
  readonly new_flavor: FlavorSpec;
}

/** All rows of one decision, as read under the operation's row lock. */
export interface World {
  readonly operation: Operation;
  readonly instance: Instance;
  readonly migration: Migration | null;
  /** What a host needs to define the guest, image ticket included; built by the shell from the rows. */
  readonly spec: InstanceSpec;
  /** Of an extraction: where its bytes go, with a ticket; built by the shell. */
  readonly upload?: ImageUpload;
  /** Nothing, until the shell was asked for it by the order `turn`: then the same event is decided once more. */
  readonly turn_answer?: TurnAnswer;
}

/** Whether a copy may begin, as the shell found it under the locks of its hosts. */
export interface TurnAnswer {
  readonly obstacle: Obstacle | 'others_wait' | null;
  /** Its place among equal priorities. */
  readonly tag: number;
}

/** What the configuration and the clock contribute, read by the shell, so that the machine stays pure. */
export interface Settings {
  readonly shutdown_timeout_seconds: number;
  readonly resize_confirm_window_seconds: number;
  readonly migration_limit_bytes_per_second: number;
  /** Of a warm migration that was asked for without one. */
  readonly downtime_budget_seconds: number;
  /** Source agent's address for the key's `from=` and time for which it is admitted. */
  readonly key_lifetime_seconds: number;
  /** How long a step may stay unanswered: short commands, and the silence allowed to a long one. */
  readonly command_timeout_seconds: number;
  readonly stall_timeout_seconds: number;
  readonly max_attempts_per_step: number;
  readonly max_recoveries_per_step: number;
  /** Nova's [scheduler] max_attempts: how many hosts one operation may try. */
  readonly max_choices: number;
  readonly transfer_limits: TransferLimits;
}

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

export type { AgentEvent };
