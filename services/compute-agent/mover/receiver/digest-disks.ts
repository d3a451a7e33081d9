import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { DamagedExtent, DiskDigest } from '../../../../shared/messaging/commands.ts';
import type { CpuShare } from '../cpu-share.ts';
import { digestFile } from '../disks/digest-file.ts';
import { ExtentLayout, UNKNOWN_LEAF } from '../disks/extents.ts';
import { DISK_DIGEST_ALGORITHM, LeafTable } from '../disks/leaf-table.ts';
import { SpillFailure } from '../disks/spill-file.ts';
import { nothingHeld, noteHeld, type HeldExtents } from './held-extents.ts';
import { Journal, readJournal, type JournalContent, type JournalRecord } from './journal.ts';
import type { ReceiverReport, ReceiverRequest } from './worker-messages.ts';

const REPORTS_PER_SECOND = 4;
/** Damaged extents that are named; the rest is counted. */
const NAMED_MAX = 16;

export interface DigestDisksWatch {
  readonly onProgress: (processed_bytes: number, total_bytes: number) => void;
  readonly signal: AbortSignal;
  readonly cpu?: CpuShare;
}

/**
 * Reads all disks of a folder again, one after the other: a disk is read fastest by one reader. What was proved since
 * it was written is not read once more (receiver/journal.ts). Extents that do not hold what the journal says are
 * damaged: the journal forgets them, so that the next copy sends them again.
 */
export async function digestDisks(
  request: Extract<ReceiverRequest, { do: 'digest' }>,
  watch: DigestDisksWatch,
): Promise<ReceiverReport> {
  const { folder, journal_path, migration_id } = request;
  const total_bytes = request.disks.reduce((sum, { file_size_bytes }) => sum + file_size_bytes, 0);
  let processed_bytes = 0;
  let reported_at = performance.now();
  const onBytes = (bytes: number): void => {
    processed_bytes += bytes;
    if (performance.now() - reported_at < 1000 / REPORTS_PER_SECOND) return;
    reported_at = performance.now();
    watch.onProgress(processed_bytes, total_bytes);
  };
  const digests: DiskDigest[] = [];
  const known = new KnownDisks();
  const damages = new Damages();
  let reread_bytes = 0;
  let disk = '';
  try {
    const journal = await readJournal(journal_path, migration_id);
    const onWork = (): void => {
      watch.signal.throwIfAborted();
      onBytes(0);
    };
    if (journal !== null) await known.read(journal, folder, onWork);
    for (const { name } of request.disks) {
      disk = name;
      const path = join(folder, name);
      const found = await digestFile(
        path,
        { ...watch, onBytes },
        (layout) => known.of(name, layout)?.held ?? null,
      );
      const { leaves } = found;
      try {
        const held = known.of(name, leaves.layout);
        if (held !== null)
          await damages.forget(held, leaves, () => Journal.reopen(journal_path, migration_id));
        const { size_bytes } = leaves.layout;
        digests.push({ name, algorithm: DISK_DIGEST_ALGORITHM, digest: leaves.root(), size_bytes });
      } finally {
        leaves.close();
      }
      reread_bytes += found.reread_bytes;
    }
    disk = '';
    await damages.flush();
  } catch (error) {
    return failure(disk, error);
  } finally {
    known.close();
    await damages.close();
  }
  const { named, count } = damages;
  return { is: 'digested', reread: { digests, damaged: named, damaged_count: count, reread_bytes } };
}

function failure(disk: string, error: unknown): ReceiverReport {
  const reason = error instanceof Error ? error.message : String(error);
  if (error instanceof SpillFailure) {
    return { is: 'failed', code: 'mover_spill_failed', values: { side: 'target', reason } };
  }
  return { is: 'failed', code: 'mover_read_failed', values: { disk, reason } };
}

interface KnownDisk {
  readonly name: string;
  /** Among the journal's disks. */
  readonly place: number;
  readonly held: HeldExtents;
}

/** What a journal says of the disks of a folder: it is gone through once for all of them. */
class KnownDisks {
  #disks: readonly KnownDisk[] = [];

  async read(journal: JournalContent, folder: string, onWork: () => void): Promise<void> {
    const held: (HeldExtents | null)[] = [];
    const disks: KnownDisk[] = [];
    this.#disks = disks;
    for (const [place, { name }] of journal.subject.disks.entries()) {
      // Disks grow after the journal's first line was written. One that is lost is somebody else's error.
      const size_bytes = await stat(join(folder, name)).then(
        ({ size }) => size,
        () => null,
      );
      const known = size_bytes === null ? null : nothingHeld(new LeafTable(new ExtentLayout(size_bytes)));
      held.push(known);
      if (known !== null) disks.push({ name, place, held: known });
    }
    await noteHeld(journal, held, onWork);
  }

  /** @param layout as the disk is now */
  of(name: string, layout: ExtentLayout): KnownDisk | null {
    const known = this.#disks.find((disk) => disk.name === name);
    return known?.held.leaves.layout.size_bytes === layout.size_bytes ? known : null;
  }

  close(): void {
    for (const { held } of this.#disks) held.leaves.close();
  }
}

class Damages {
  readonly named: DamagedExtent[] = [];
  count = 0;
  #journal: Journal | null = null;

  /** Of one disk, as they are found: there may be as many as extents. @throws the file system's errors */
  async forget(disk: KnownDisk, leaves: LeafTable, open: () => Promise<Journal | null>): Promise<void> {
    const first = disk.held.leaves.firstDifference(leaves);
    if (first === null) return;
    this.#journal ??= await open();
    const records = this.#from(first, disk, leaves);
    if (this.#journal !== null) return await this.#journal.append(records);
    // Nobody to tell, and still as damaged.
    while (records.next().done !== true);
  }

  *#from(first: number, { name, place, held }: KnownDisk, leaves: LeafTable): Generator<JournalRecord> {
    const { layout } = leaves;
    for (let index = first; index < layout.count; index += 1) {
      if (held.leaves.holds(index, leaves.get(index))) continue;
      this.count += 1;
      if (this.named.length < NAMED_MAX) {
        this.named.push({
          disk: name,
          offset_bytes: layout.offset(index),
          length_bytes: layout.length(index),
        });
      }
      yield { disk: place, index, leaf: UNKNOWN_LEAF };
    }
  }

  /** Makes durable what was forgotten. @throws the file system's errors */
  async flush(): Promise<void> {
    await this.#journal?.flush();
  }

  async close(): Promise<void> {
    await this.#journal?.close();
  }
}
