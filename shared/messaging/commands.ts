import type { ImageId, MigrationId } from '../domain/ids.ts';
import type { ImageFormat, ImageUpload, InstanceSpec } from '../domain/instance-spec.ts';
import type { PowerState } from '../domain/states.ts';

/**
 * What a scheduler may ask of an agent: name → arguments and result. Closed: both sides check.
 * One file per command in services/compute-agent/commands/. Every command first looks whether its effect is
 * already there and then says so: each may come twice, late, or after the agent was restarted.
 */
export interface CommandArguments {
  // --- an instance's life on one host
  /** Fetch the image, make the disks, define the guest under the message's epoch, start it. */
  spawn: { readonly spec: InstanceSpec };
  /** Power off if needed, undefine, remove the disks and every trace (staging, `.migrated`) of this instance. */
  destroy: Record<never, never>;
  power_on: Record<never, never>;
  power_off: { readonly shutdown_timeout_seconds: number };
  reboot: { readonly type: 'SOFT' | 'HARD'; readonly shutdown_timeout_seconds: number };

  // --- cold migration, in the order of the plan (design, section 6.1)
  /** Source: list the disks and the guest's state; make this migration's key pair. Changes nothing else. */
  survey: Record<never, never>;
  /** Target: refuse early, reserve space, make the staging folder, admit the key for the receiver only. */
  admit: {
    readonly spec: InstanceSpec;
    readonly disks: readonly DiskDescription[];
    readonly public_key: string;
    /** The only address that may use the key. */
    readonly source_address: string;
    readonly expires_in_seconds: number;
  };
  /** Undo of admit: interrupts a running verify of this migration, removes staging folder and key. */
  unadmit: Record<never, never>;
  /** Source: open the connection to the receiver and say hello, so that a wrong host key is found before the guest stops. */
  connect: { readonly endpoint: ReceiverEndpoint; readonly disks: readonly DiskDescription[] };
  /** Source: graceful, then forced power-off. Undo: `power_on` if it ran. */
  stop: { readonly shutdown_timeout_seconds: number };
  /**
   * Source: send the disks round after round while the guest runs, until stopping it for the rest fits the budget, or
   * no longer gets shorter. Long; reports progress. Undo: abort_copy.
   */
  precopy: {
    readonly endpoint: ReceiverEndpoint;
    readonly disks: readonly DiskDescription[];
    readonly limit_bytes_per_second: number;
    readonly paused?: boolean;
    /** How long the guest may be off. */
    readonly downtime_budget_seconds: number;
    /** What the target's `prepare` will read and write in that time, as its `admit` said. */
    readonly prepare_bytes?: number;
    /** Rounds that an earlier order has told of: at least one more is to be done. Nothing: none. */
    readonly rounds_seen?: number;
    readonly tells_changes?: boolean;
  };
  /** Source: send the disks to the target's receiver. Long; reports progress. */
  copy: {
    readonly endpoint: ReceiverEndpoint;
    readonly disks: readonly DiskDescription[];
    /** 0 = unlimited. */
    readonly limit_bytes_per_second: number;
    /** True: connect, and send nothing until `pause_copy` says so. */
    readonly paused?: boolean;
    /** True: it is the last round of a warm migration. */
    readonly after_precopy?: boolean;
    /** True: files that the disks stand on and that have changed are told with the result. Else that is a failure. */
    readonly tells_changes?: boolean;
  };
  /** Source: stop sending for the copy that runs, or go on; nothing that was sent is lost. Interrupts nothing. */
  pause_copy: { readonly paused: boolean };
  /** Source: change the rate of the copy that runs, within a second. Interrupts nothing. */
  limit: { readonly limit_bytes_per_second: number };
  /** Source: make sure that no mover of this migration runs (cancel, unwind). Runs at once, never queued behind its copy. */
  abort_copy: Record<never, never>;
  /** Target: re-read what lies on its disks, give the digests, name and forget what was damaged. Long; reports progress. */
  verify: { readonly disks: readonly DiskDescription[]; readonly tells_changes?: boolean };
  /**
   * Target, when admit said so: takes files that the disks stand on into the cache if they are what was promised, and
   * converts disks that are wanted in another format, comparing what a guest would see of both.
   */
  prepare: Record<never, never>;
  /** Source: undefine; rename the folder to `<uuid>.migrated`; write the epoch. */
  retire: Record<never, never>;
  /** Undo of retire: rename back, define. Does not start the guest. */
  unretire: Record<never, never>;
  /** Target: staging → instance folder; define under the message's epoch; start if `power_on`; watch it stays up. */
  adopt: { readonly spec: InstanceSpec; readonly power_on: boolean };
  /** Undo of adopt: destroy, undefine, keep nothing. */
  unadopt: Record<never, never>;

  // --- image of a server
  /** Home: the guest's disk, with all that it stands on, as one file of this format. A running guest's writes are held briefly. */
  extract: { readonly image_id: ImageId; readonly disk_format: ImageFormat };
  /** Home: that file goes into the image service, and from here. */
  upload: { readonly upload: ImageUpload; readonly size_bytes: number; readonly sha512: string };
  /** Undo of extract: ends what still runs of it, removes its files. */
  discard_extract: { readonly image_id: ImageId };

  // --- confirm
  /** Target: the guest is defined here under this epoch and in the state it should be in. */
  check: { readonly expect_running: boolean };
  /** Source: remove the `.migrated` folder. Only this migration's. */
  discard_source: Record<never, never>;

  // --- revert
  /** Target: power off and undefine under the message's epoch; the disks stay until the source is checked. */
  withdraw: { readonly shutdown_timeout_seconds: number };
  /** Undo of withdraw: define again, start if `power_on`. */
  unwithdraw: { readonly spec: InstanceSpec; readonly power_on: boolean };
  /** Source: `.migrated` → instance folder; define under the message's epoch; start if `power_on`. */
  restore: { readonly spec: InstanceSpec; readonly power_on: boolean };
  /** Undo of restore: power off, undefine, rename to `.migrated`. */
  unrestore: Record<never, never>;
  /** Target: remove the withdrawn copy. */
  discard_target: Record<never, never>;
}

export type CommandName = keyof CommandArguments;

/** A local disk of a guest, as the source describes it. `name` is a plain file name, never a path. */
export interface DiskDescription {
  readonly name: string;
  readonly format: 'raw' | 'qcow2';
  /** The guest's view of the size. */
  readonly virtual_size_bytes: number;
  /** The file's length: what the mover transfers. For raw equal to the virtual size. */
  readonly file_size_bytes: number;
  /** Bytes in use on the source's disk (holes left out): what admit reserves. */
  readonly allocated_bytes: number;
  readonly backing: BackingImage | null;
}

/** A file that disks stand on and nobody writes. */
export interface BackingFile {
  /** Of its bytes, and of what it stands on (images/backing-chain.ts): matched by digest, never by name alone. */
  readonly sha512: string;
  readonly format: 'raw' | 'qcow2';
  readonly size_bytes: number;
  /** In use on the source's disk. */
  readonly allocated_bytes?: number;
  /**
   * The digest that it had when it was first agreed, if it has changed since: what has travelled has its name from that,
   * and so only the extents that have changed are sent again.
   */
  readonly travels_as?: string;
  /** Which file it is on the host that surveyed it, whatever is in it. That host alone can compare it. */
  readonly file_id?: string;
}

/** Files that disks stand on have changed at their source since they were agreed. */
export interface ChangedBelow {
  /** Which, and where, for people. */
  readonly message: string;
  /** The guest's disks, with what their files say now. */
  readonly disks: readonly DiskDescription[];
}

/** A file that disks stand on is not on the target what was agreed. */
export interface DamagedBelow {
  readonly message: string;
  /** What may mend it: to have it sent or fetched again is for `admit` when it lies in the cache, for `copy` when it arrived. */
  readonly again: 'admit' | 'copy';
}

export interface BackingImage extends BackingFile {
  /** Empty when no image is known to be in it. */
  readonly image_id: string;
  /** What it stands on itself, nearest first. */
  readonly below?: readonly BackingFile[];
}

/** Where and as whom the mover connects; comes from the target's `admit`. */
export interface ReceiverEndpoint {
  readonly address: string;
  readonly port: number;
  readonly user: string;
  /** Public host keys in OpenSSH's form (`ssh-ed25519 AAAA…`). The connection is refused for any other key. */
  readonly host_keys: readonly string[];
}

/** Digest of one disk's content (mover/disks/leaf-table.ts says how it is made), as read (source) or as re-read from the disk (target). */
export interface DiskDigest {
  readonly name: string;
  readonly algorithm: 'blake2b512' | 'sha256-tree' | 'blake3-tree';
  /** Lower-case hexadecimal. */
  readonly digest: string;
  readonly size_bytes: number;
}

/** What a migration has put on the wire. */
export interface TransferTotals {
  readonly sent_bytes: number;
  /** Of the disks: sent more than once. */
  readonly resent_bytes: number;
}

/** One round of a copy whose guest runs, as the mover measured it. */
export interface RoundFigures {
  readonly round: number;
  /** Whole extents that were read, and those of them that the target did not have so. */
  readonly read_bytes: number;
  readonly changed_bytes: number;
  /** On the wire. */
  readonly sent_bytes: number;
  readonly skipped_bytes: number;
  readonly resent_bytes: number;
  /** From its first read until all was durable and proved. */
  readonly duration_seconds: number;
  /** Of that, how long a person let it stand still; nothing: not at all. */
  readonly paused_seconds?: number;
  /** What the target read again from its disk, and how long that took. */
  readonly proved_bytes: number;
  readonly prove_seconds: number;
  /** What it would have taken with nothing to send. */
  readonly overhead_seconds: number;
}

/** Why rounds ended and the guest was stopped. */
export type PrecopyEnd = 'fits_budget' | 'not_shrinking' | 'rounds_max';

/** A part of a disk that is not what it should be. */
export interface DamagedExtent {
  readonly disk: string;
  readonly offset_bytes: number;
  readonly length_bytes: number;
}

type Nothing = Record<never, never>;

export interface CommandResults {
  spawn: { readonly power_state: PowerState };
  destroy: Nothing;
  power_on: { readonly power_state: PowerState };
  power_off: { readonly power_state: PowerState };
  reboot: { readonly power_state: PowerState };
  survey: {
    readonly disks: readonly DiskDescription[];
    readonly power_state: PowerState;
    readonly public_key: string;
    readonly source_address: string;
  };
  admit: {
    readonly endpoint: ReceiverEndpoint;
    /** What is to be sent, when it is more than the disks: files that they stand on and that the target cannot get. */
    readonly transfer_disks?: readonly DiskDescription[];
    /** True: `prepare` has something to do before the guest can be adopted. */
    readonly needs_prepare?: boolean;
    /** What `prepare` will read and write there while the guest is off. Nothing: an older agent, or nothing to do. */
    readonly prepare_bytes?: number;
  };
  unadmit: Nothing;
  connect: Nothing;
  stop: { readonly was_running: boolean; readonly forced: boolean };
  precopy: {
    readonly rounds: readonly RoundFigures[];
    readonly predicted_downtime_seconds: number;
    /** The part of it in which the target prepares what has arrived. Nothing: an older agent. */
    readonly predicted_prepare_seconds?: number;
    readonly ended: PrecopyEnd;
    readonly changed?: ChangedBelow;
  };
  copy: {
    readonly digests: readonly DiskDigest[];
    readonly sent_bytes: number;
    readonly skipped_bytes: number;
    readonly duration_seconds: number;
    /** Bytes sent more than once after breaks. */
    readonly resent_bytes: number;
    readonly rounds: number;
    /** Of all rounds and copies of the migration, those too whose sender has died. Nothing: an older agent. */
    readonly total?: TransferTotals;
    readonly changed?: ChangedBelow;
  };
  limit: Nothing;
  pause_copy: Nothing;
  abort_copy: Nothing;
  verify: {
    readonly digests: readonly DiskDigest[];
    /** The first extents that do not hold what was received. Forgotten: the next copy sends them again. */
    readonly damaged?: readonly DamagedExtent[];
    readonly damaged_count?: number;
    /** What was read from the disk now: all that is no hole, less what was proved after earlier rounds. */
    readonly reread_bytes?: number;
    readonly changed?: DamagedBelow;
  };
  prepare: Nothing;
  retire: Nothing;
  unretire: Nothing;
  adopt: { readonly power_state: PowerState };
  unadopt: Nothing;
  extract: {
    readonly size_bytes: number;
    readonly sha512: string;
    /** How long a running guest could not write. */
    readonly held_seconds: number;
  };
  upload: Nothing;
  discard_extract: Nothing;
  check: { readonly power_state: PowerState };
  discard_source: Nothing;
  withdraw: { readonly was_running: boolean };
  unwithdraw: { readonly power_state: PowerState };
  restore: { readonly power_state: PowerState };
  unrestore: Nothing;
  discard_target: Nothing;
}

/** The folder names on a host. `uuid` is checked to be a UUID before it comes near a path. */
export const instanceFolders = {
  home: (uuid: string) => uuid,
  staging: (uuid: string) => `${uuid}.staging`,
  retired: (uuid: string) => `${uuid}.migrated`,
  withdrawn: (uuid: string) => `${uuid}.withdrawn`,
} as const;

/** Kept for readers: which migration a staging or retired folder belongs to is in its `drover.json`. */
export interface FolderMark {
  readonly instance_id: string;
  readonly migration_id: MigrationId | null;
  readonly epoch: number;
}
