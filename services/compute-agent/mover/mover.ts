import type { MigrationId } from '../../../shared/domain/ids.ts';
import type {
  CommandResults,
  DiskDescription,
  ReceiverEndpoint,
  RoundFigures,
} from '../../../shared/messaging/commands.ts';
import type { TransferProgress } from '../../../shared/messaging/messages.ts';

/**
 * The contract between an agent and its mover. Bulk bytes never pass the agent's event loop: each side of a
 * transfer is a process of its own, one migration at a time.
 */

/** The source's side. One supervisor per agent. */
export interface SenderSupervisor {
  /**
   * Opens the connection to the receiver and says hello, so that a wrong host key, a closed port or a refused key
   * is found while the guest still runs. May keep the connection for `send`, which must not rely on it.
   * @throws DroverError mover_host_key_mismatch, mover_connection_lost, mover_cancelled
   */
  connect(transfer: Transfer, watch: TransferWatch): Promise<void>;
  /**
   * Sends one round of the disks of a guest that runs, and keeps the mover, its connection and what it knows of the
   * disks for the next one. After an agent's restart the first answer may be rounds that were done before: so many
   * were `seen`, and what there is more is told before another one is begun.
   * @returns all rounds so far
   * @throws DroverError as `send`
   */
  round(transfer: Transfer, wish: RoundWish, watch: TransferWatch): Promise<readonly RoundFigures[]>;
  /**
   * Starts, or finds again after an agent's restart, the mover of this migration and waits for its end.
   * @param changed since the last `round`; null: nobody knows, or there was none
   * @throws DroverError mover_host_key_mismatch, mover_stalled, mover_target_full, mover_read_failed,
   *   mover_digest_mismatch, mover_connection_lost (after its own retries), mover_cancelled
   */
  send(
    transfer: Transfer,
    watch: TransferWatch,
    changed?: ChangedRanges | null,
  ): Promise<CommandResults['copy']>;
  /**
   * True when a mover of this migration can be taken up, at work or with an end that was not heard yet, after the agent was restarted.
   * `send` then takes it up and needs no key; without this method a restarted agent cannot know.
   */
  has?(migration: MigrationId): Promise<boolean>;
  /** Changes the limit of a running transfer; takes effect within a second. 0 = unlimited. */
  limit(migration: MigrationId, limit_bytes_per_second: number): Promise<void>;
  /** Stops a running transfer from sending, or lets it go on, at once. What was sent is kept. */
  pause(migration: MigrationId, paused: boolean): Promise<void>;
  /** For metrics; a stand-in need not have any. */
  figures?(): SenderFigures;
  /**
   * Ends the mover, if any, and everything it started, within two seconds. Idempotent.
   * @throws DroverError mover_process_stuck when it hangs in the kernel
   */
  cancel(migration: MigrationId): Promise<void>;
  close(): Promise<void>;
}

/**
 * What a guest has written to its disks' files since it was asked for last, by the disks' names; null for a disk of
 * which nobody knows, nothing for one that has not changed.
 */
export type ChangedRanges = Readonly<Record<string, readonly ByteRange[] | null>>;

export interface ByteRange {
  readonly offset_bytes: number;
  readonly length_bytes: number;
}

export interface RoundWish {
  /** Rounds that the caller has seen. */
  readonly seen: number;
  /** Null: nobody knows, so everything is read and compared. */
  readonly changed: ChangedRanges | null;
}

/** What leaves this host now, and how much has since the agent began. */
export interface SenderFigures {
  readonly running: number;
  readonly paused: number;
  /** Of all that run or are paused. */
  readonly connections: number;
  readonly sent_bytes: number;
  /** 0: no limit. */
  readonly limit_bytes_per_second: number;
}

export interface Transfer {
  readonly migration_id: MigrationId;
  /** Absolute path of the folder that holds the disks on the source. */
  readonly folder: string;
  readonly disks: readonly DiskDescription[];
  /** Absolute paths of disks that lie elsewhere, by name: files that others stand on. */
  readonly paths?: Readonly<Record<string, string>>;
  readonly endpoint: ReceiverEndpoint;
  /** OpenSSH private key, made for this migration. Passed to the mover over its channel, never in argv or a file. */
  readonly private_key: string;
  /** The local address to connect from: the target admits the key for this one only. */
  readonly local_address: string;
  readonly limit_bytes_per_second: number;
  /** True: send nothing until it is told to. */
  readonly paused?: boolean;
  readonly stall_timeout_seconds: number;
  /** How many connections one copy may use at once, if more are faster. Nothing: 1. */
  readonly connections?: number;
  /** How many it uses when there is much to send, whether or not they are faster. Nothing: 1. */
  readonly connections_min?: number;
}

export interface TransferWatch {
  readonly onProgress: (progress: TransferProgress) => void;
  readonly signal: AbortSignal;
}

/** The target's side. */
export interface ReceiverAdmission {
  /**
   * Lets one key start one receiver for one staging folder: nothing else, from nowhere else, not after the
   * time. Idempotent per migration; a new key replaces the old one.
   */
  admit(admission: Admission): Promise<ReceiverEndpoint>;
  /** Takes the key back and ends the migration's receivers. Idempotent. @throws DroverError mover_process_stuck */
  withdraw(migration: MigrationId): Promise<void>;
  /**
   * Reads the staged disks again from the disk, in a process of its own. What is not what was received is named, and
   * forgotten: the next `send` brings it again.
   */
  verify(
    staged: {
      readonly migration_id: MigrationId;
      readonly folder: string;
      readonly disks: readonly DiskDescription[];
    },
    watch: TransferWatch,
  ): Promise<CommandResults['verify']>;
  close(): Promise<void>;
}

export interface Admission {
  readonly migration_id: MigrationId;
  /** Absolute path of the staging folder: the receiver writes below it and nowhere else. */
  readonly folder: string;
  readonly disks: readonly DiskDescription[];
  /** What the disks may take of the file system together; the receiver writes no more. Nothing: their declared sizes. */
  readonly reserved_bytes?: number;
  readonly public_key: string;
  readonly source_address: string;
  readonly expires_in_seconds: number;
}
