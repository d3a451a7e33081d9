import { join } from 'node:path';
import type { DamagedExtent, DiskDigest } from '../../../../shared/messaging/commands.ts';
import type { CpuShare } from '../cpu-share.ts';
import { digestFile } from '../disks/digest-file.ts';
import { UNKNOWN_LEAF, type ExtentLayout } from '../disks/extents.ts';
import { DISK_DIGEST_ALGORITHM } from '../disks/leaf-table.ts';
import { heldExtents, type HeldExtents } from './held-extents.ts';
import { Journal, readJournal, type JournalRecord } from './journal.ts';
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
  const damages = new Damages();
  let reread_bytes = 0;
  let disk = '';
  try {
    const journal = await readJournal(journal_path, migration_id);
    for (const { name } of request.disks) {
      disk = name;
      const place = journal?.subject.disks.findIndex((other) => other.name === name) ?? -1;
      const heldOf = memoised((layout) =>
        place < 0 || journal === null ? null : heldExtents(journal, place, layout),
      );
      const found = await digestFile(join(folder, name), { ...watch, onBytes }, heldOf);
      const { leaves } = found;
      const held = heldOf(leaves.layout);
      if (held !== null) damages.compare({ name, place }, held, found.leaves);
      reread_bytes += found.reread_bytes;
      const { size_bytes } = leaves.layout;
      digests.push({ name, algorithm: DISK_DIGEST_ALGORITHM, digest: leaves.root(), size_bytes });
    }
    disk = '';
    await damages.forgetIn(journal_path, migration_id);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { is: 'failed', code: 'mover_read_failed', values: { disk, reason } };
  }
  const { named, records } = damages;
  return { is: 'digested', reread: { digests, damaged: named, damaged_count: records.length, reread_bytes } };
}

class Damages {
  readonly named: DamagedExtent[] = [];
  readonly records: JournalRecord[] = [];

  compare(
    disk: { readonly name: string; readonly place: number },
    held: HeldExtents,
    leaves: HeldExtents['leaves'],
  ): void {
    if (held.leaves.firstDifference(leaves) === null) return;
    const { layout } = leaves;
    for (let index = 0; index < layout.count; index += 1) {
      if (held.leaves.get(index).equals(leaves.get(index))) continue;
      this.records.push({ disk: disk.place, index, leaf: UNKNOWN_LEAF });
      if (this.named.length >= NAMED_MAX) continue;
      this.named.push({
        disk: disk.name,
        offset_bytes: layout.offset(index),
        length_bytes: layout.length(index),
      });
    }
  }

  async forgetIn(journal_path: string, migration_id: string): Promise<void> {
    if (this.records.length === 0) return;
    const journal = await Journal.reopen(journal_path, migration_id);
    try {
      await journal?.append(this.records);
      await journal?.flush();
    } finally {
      await journal?.close();
    }
  }
}

/** One journal is gone through once for each disk, however often it is asked. */
function memoised<Result>(make: (layout: ExtentLayout) => Result): (layout: ExtentLayout) => Result {
  let made: { readonly result: Result } | null = null;
  return (layout) => (made ??= { result: make(layout) }).result;
}
