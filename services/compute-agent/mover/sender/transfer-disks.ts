import type { DiskDigest } from '../../../../shared/messaging/commands.ts';
import { DISK_DIGEST_ALGORITHM } from '../disks/leaf-table.ts';
import type { ByteRange, ChangedRanges, Transfer } from '../mover.ts';
import type { SentRuns } from './sent-extents.ts';
import { SourceDisk } from './source-disk.ts';
import { readFailed } from './transfer-failures.ts';
import type { WaitedFor } from './waited-for.ts';

/** Where a disk has its holes may be asked for so long, as a part of the time after which silence is a stall. */
const MAP_PART_OF_STALL = 0.5;

/** The disks of one transfer, from its first round to its last: open all the while, because their leaves are known. */
export class TransferDisks {
  readonly #transfer: Transfer;
  readonly #waited_for: WaitedFor;
  readonly #onActivity: () => void;
  #disks: readonly SourceDisk[] = [];
  /** What may have changed since the disks were read, not taken into account yet. */
  #changes: (ChangedRanges | null)[] = [];
  #sent_before: SentRuns = {};
  /** Of disks that are closed again: their end is told after it. */
  #closed_total_bytes = 0;
  #closed_sent: SentRuns = {};

  /** @param onActivity hears of each disk that has answered: many may take longer together than one that hangs */
  constructor(transfer: Transfer, waited_for: WaitedFor, onActivity: () => void) {
    this.#transfer = transfer;
    this.#waited_for = waited_for;
    this.#onActivity = onActivity;
  }

  /** In the transfer's order; none before the first `prepare`. */
  get all(): readonly SourceDisk[] {
    return this.#disks;
  }

  get total_bytes(): number {
    return this.#disks.length > 0 ? totalOf(this.#disks) : this.#closed_total_bytes;
  }

  /** What the guest may have written since it was asked for last. Kept until a round has read it again. */
  noteChanged(changed: ChangedRanges | null): void {
    this.#changes.push(changed);
  }

  /** What a sender before us had put on the wire of this round: only counted, the receiver says what it holds. */
  noteSentBefore(runs: SentRuns): void {
    this.#sent_before = runs;
  }

  /** Extents that were put on the wire since this was asked before. */
  takeSent(): SentRuns {
    const closed_sent = this.#closed_sent;
    this.#closed_sent = {};
    if (this.#disks.length === 0) return closed_sent;
    return Object.fromEntries(this.#disks.map((disk) => [disk.name, disk.takeSent()]));
  }

  /** Before a round: opens the disks, or has read again what may have changed. @throws DroverError mover_read_failed */
  async prepare(): Promise<void> {
    const changes = this.#changes;
    this.#changes = [];
    // Disks that have not been read yet: whatever has changed will be read.
    if (this.#disks.length === 0) return this.#open();
    for (const disk of this.#disks) {
      for (const changed of changes) {
        try {
          const ranges = changed === null ? null : rangesOf(changed, disk.name);
          const begun = disk.beginRound(ranges, this.#map_seconds_max);
          await this.#waited_for.during(asking(disk.name), begun);
          this.#onActivity();
        } catch (error) {
          throw readFailed(disk.name, error);
        }
      }
    }
  }

  get #map_seconds_max(): number {
    return this.#transfer.stall_timeout_seconds * MAP_PART_OF_STALL;
  }

  async #open(): Promise<void> {
    const disks: SourceDisk[] = [];
    this.#disks = disks;
    for (const { name } of this.#transfer.disks) {
      try {
        const opening = SourceDisk.open(this.#transfer.folder, name, this.#transfer.paths?.[name]);
        const disk = await this.#waited_for.during(`disk ${name} to be opened`, opening);
        disks.push(disk);
        this.#onActivity();
        await this.#waited_for.during(asking(name), disk.map(this.#map_seconds_max));
        this.#onActivity();
        disk.noteSentBefore(this.#sent_before[name] ?? []);
      } catch (error) {
        throw readFailed(name, error);
      }
    }
  }

  /** Of what was read, for the record. */
  digests(): DiskDigest[] {
    return this.#disks.map(({ name, leaves, layout }) => ({
      name,
      algorithm: DISK_DIGEST_ALGORITHM,
      digest: leaves.root(),
      size_bytes: layout.size_bytes,
    }));
  }

  async close(): Promise<void> {
    const disks = this.#disks;
    if (disks.length === 0) return;
    this.#closed_sent = this.takeSent();
    this.#disks = [];
    this.#closed_total_bytes = totalOf(disks);
    await Promise.allSettled(disks.map((disk) => disk.close()));
  }
}

const asking = (disk: string): string => `disk ${disk} to say how long it is and where it has data`;

const totalOf = (disks: readonly SourceDisk[]): number =>
  disks.reduce((sum, { layout }) => sum + layout.size_bytes, 0);

/** A disk that is not named has not changed; one that is named null has changed nobody knows where. */
function rangesOf(changed: ChangedRanges, name: string): readonly ByteRange[] | null {
  const ranges = changed[name];
  return ranges === undefined ? [] : ranges;
}
