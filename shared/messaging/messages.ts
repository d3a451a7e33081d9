import type { HostName, InstanceId, MigrationId, OperationId, RequestId } from '../domain/ids.ts';
import type { PowerState } from '../domain/states.ts';
import type { CommandArguments, CommandName, CommandResults } from './commands.ts';
import type { HostReport } from './host-report.ts';

/**
 * Every message is JSON. `message_id` is unique per logical message and repeats with a redelivery;
 * `request_id` is the API call that caused it and is on every log line of its handling.
 */
interface MessageHeader {
  readonly message_id: string;
  readonly request_id: RequestId;
  readonly sent_at: string;
}

/**
 * Names one try of one step. An event answers the command with the same operation, step, direction and
 * attempt; anything else is from the past and is dropped.
 */
export interface StepAddress {
  readonly operation_id: OperationId;
  readonly step: string;
  readonly direction: 'action' | 'undo';
  readonly attempt: number;
}

/** Scheduler → agent. May come twice or late: `deadline_at`, `fencing` and `epoch` say when it no longer counts. */
export interface CommandMessage<Name extends CommandName = CommandName> extends MessageHeader, StepAddress {
  readonly type: 'command';
  readonly command: Name;
  readonly instance_id: InstanceId;
  readonly migration_id: MigrationId | null;
  /**
   * The instance's epoch at the time of sending. An agent that has seen a higher one for this instance refuses
   * (`stale_epoch`): another host may have become its home since.
   */
  readonly epoch: number;
  /** Rises with each scheduler that takes the operation over. An agent refuses a lower one than it has seen. */
  readonly fencing: number;
  /** After this time the command is dropped unanswered: the scheduler has given it up (ISO 8601, UTC). */
  readonly deadline_at: string;
  readonly arguments: CommandArguments[Name];
}

/** Agent → scheduler. `host` must be the broker-verified sender (`user-id`), or the event is dropped and logged. */
export type AgentEvent = StepDone | StepFailed | StepProgress | HostReported | GuestChanged;

interface EventHeader extends MessageHeader {
  readonly host: HostName;
}

export interface StepDone extends EventHeader, StepAddress {
  readonly type: 'step_done';
  readonly command: CommandName;
  /** One sentence for the record: "guest was stopped already". */
  readonly summary: string;
  readonly result: CommandResults[CommandName];
}

export interface StepFailed extends EventHeader, StepAddress {
  readonly type: 'step_failed';
  readonly command: CommandName;
  /** Stable word of the failure, from the error registry where it is a DroverError, else `internal`. */
  readonly code: string;
  /** What was tried, on what, what was found. Shown to the operator as it is. */
  readonly message: string;
  /** False where trying again on the same host cannot help (no space, wrong host key). */
  readonly retriable: boolean;
}

/** Sent while a long step works, at most five a second. Its absence, not a clock, says that a copy is dead. */
export interface StepProgress extends EventHeader, StepAddress {
  readonly type: 'step_progress';
  /** Null: at work, and there is nothing to count (an image arrives or is converted). */
  readonly progress: TransferProgress | null;
}

export interface TransferProgress {
  readonly round: number;
  readonly disk_total_bytes: number;
  /** Bytes of the disks accounted for: sent, skipped, or known to be there already. */
  readonly disk_processed_bytes: number;
  readonly disk_remaining_bytes: number;
  /** Bytes put on the wire (compressed). */
  readonly sent_bytes: number;
  /** Holes, zeros and extents that the target already had. */
  readonly skipped_bytes: number;
  readonly rate_bytes_per_second: number;
  readonly eta_seconds: number | null;
  /** It stands still because a person wants it to. */
  readonly paused?: boolean;
  /** Connections that it has at this moment. */
  readonly connections?: number;
  /** The limit that this copy was told for itself; its host's share may be less. 0: none. */
  readonly limit_bytes_per_second?: number;
}

/** Heartbeat and inventory in one: every `report_interval`, and at once when something changes. */
export interface HostReported extends EventHeader {
  readonly type: 'host_reported';
  readonly report: HostReport;
}

/** A guest changed its power state on its own (stopped from inside, crashed), or was found so at a start. */
export interface GuestChanged extends EventHeader {
  readonly type: 'guest_changed';
  readonly instance_id: InstanceId;
  readonly epoch: number;
  readonly power_state: PowerState;
}

/** Api → scheduler: rows have changed. The rows are the truth; this only saves waiting for the poll. */
export interface WakeMessage extends MessageHeader {
  readonly type: 'wake';
  readonly operation_id: OperationId | null;
}
