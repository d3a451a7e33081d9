import type { CpuShare } from '../cpu-share.ts';
import type { LeafTable } from '../disks/leaf-table.ts';
import type { Done } from '../protocol.ts';
import type { Compressor } from './compressor.ts';
import type { ConnectionCount } from './connections-in-use.ts';
import type { RateLimiter } from './rate-limiter.ts';
import type { ReceiverLink } from './receiver-link.ts';
import type { SourceDisk } from './source-disk.ts';
import type { OpenLink } from './transfer-link.ts';
import type { WaitedFor } from './waited-for.ts';

/** What has been done so far, over all sessions of a transfer. */
export interface TransferCounters {
  /** Of this round. */
  processed_bytes: number;
  skipped_bytes: number;
  /** Of the disks, whole extents: read, and found to be other than what the receiver had. */
  read_bytes: number;
  changed_bytes: number;
  /** On the wire, whatever it was. */
  sent_bytes: number;
  /** Of the disks: sent more than once. */
  resent_bytes: number;
}

export const newCounters = (): TransferCounters => ({
  processed_bytes: 0,
  skipped_bytes: 0,
  read_bytes: 0,
  changed_bytes: 0,
  sent_bytes: 0,
  resent_bytes: 0,
});

/** What one round has done, of that which is counted over all rounds. */
export const countedSince = (now: TransferCounters, before: TransferCounters) => ({
  read_bytes: now.read_bytes - before.read_bytes,
  changed_bytes: now.changed_bytes - before.changed_bytes,
  sent_bytes: now.sent_bytes - before.sent_bytes,
  resent_bytes: now.resent_bytes - before.resent_bytes,
});

/** How a transfer differs from others of its kind. */
export interface TransferOptions {
  /** Nothing: over SSH. */
  readonly open?: OpenLink;
  /** What it may take of the host. Nothing: all. */
  readonly cpu?: CpuShare;
  /** Nothing: as many as are found to be worth it. */
  readonly connections?: ConnectionCount;
}

/** What a session gets from the transfer that it is an attempt of. */
export interface SendingOptions {
  readonly link: ReceiverLink;
  readonly disks: readonly SourceDisk[];
  /** Of all disks. */
  readonly total_bytes: number;
  readonly round: number;
  readonly limiter: RateLimiter;
  readonly cpu: CpuShare;
  readonly compressor: Compressor;
  readonly counters: TransferCounters;
  /** What the receiver holds since the round before, over this very link; null: it has to say so. */
  readonly held: readonly LeafTable[] | null;
  /** More rounds will follow: the receiver reads what it has written again. */
  readonly prove: boolean;
  /** How many connections there should be at any moment. The further ones send extents, no more. */
  readonly connections: ConnectionCount;
  /** Makes a further connection. @param place its number in the session, from 1 on */
  readonly openStream: (place: number) => Promise<ReceiverLink>;
  /** Told of each read of a disk. */
  readonly waited_for: WaitedFor;
  /** Something has moved: the transfer is not stalled. */
  readonly onActivity: () => void;
}

export interface SessionResult {
  readonly done: Done;
  /** What the receiver holds now. */
  readonly held: readonly LeafTable[];
  /** What a round costs that has nothing to send: from `begin` to `ready`, and from `finish` to `done` less the proving. */
  readonly overhead_seconds: number;
}
