import type {
  HostName,
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
  PowerState,
  TaskState,
  VmState,
} from '../../../shared/domain/states.ts';
import type { CommandArguments, CommandResults } from '../../../shared/messaging/commands.ts';
import type { Obstacle, TransferLimits } from './turn-queue.ts';

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
  /**
   * What the disks stand on was agreed anew, or is sent again, once: found by this step. Another time it fails: a file that
   * does not rest is none that a guest can be moved with.
   */
  readonly changed_below?: 'precopy' | 'copy' | 'verify';
  /** Damaged extents are sent again, once: what had travelled before that. */
  readonly resend?: {
    readonly sent_bytes: number;
    readonly skipped_bytes: number;
    readonly resent_bytes: number;
  };
  readonly survey?: CommandResults['survey'];
  /** Of the last one, if there was more than one. */
  readonly admit?: CommandResults['admit'];
  readonly 'admit-running'?: CommandResults['admit'];
  readonly 'admit-again'?: CommandResults['admit'];
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
