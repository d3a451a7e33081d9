import { ExtentSet } from '../disks/data-map.ts';
import { LEAF_BYTES } from '../disks/extents.ts';
import type { JournalRecord } from './journal-records.ts';

/**
 * What counts of a journal's records: of each extent the last one, and behind it its proof, if it has one that counts.
 * One disk's leaves in memory at a time.
 * @param records gone through once for all disks and once for each
 */
export function* latestRecords(
  records: Iterable<JournalRecord>,
  { proofs_count }: { readonly proofs_count: boolean },
): Generator<JournalRecord> {
  // Not what the journal's first line says: disks grow between rounds.
  const counts = new Map<number, number>();
  for (const { disk, index } of records) counts.set(disk, Math.max(counts.get(disk) ?? 0, index + 1));
  for (const [disk, count] of counts) yield* latestOfDisk(records, { disk, count, proofs_count });
}

function* latestOfDisk(
  records: Iterable<JournalRecord>,
  of: { readonly disk: number; readonly count: number; readonly proofs_count: boolean },
): Generator<JournalRecord> {
  const { disk, count, proofs_count } = of;
  const leaves = Buffer.alloc(count * LEAF_BYTES);
  const known = new ExtentSet(count, false);
  const proved = new ExtentSet(count, false);
  const leafOf = (index: number): Buffer => leaves.subarray(index * LEAF_BYTES, (index + 1) * LEAF_BYTES);
  for (const record of records) {
    if (record.disk !== disk) continue;
    const { index, leaf } = record;
    if (record.proved === true) {
      if (proofs_count && known.has(index) && leafOf(index).equals(leaf)) proved.add(index);
      continue;
    }
    leaf.copy(leaves, index * LEAF_BYTES);
    known.add(index);
    proved.delete(index);
  }
  for (let index = 0; index < count; index += 1) {
    if (!known.has(index)) continue;
    const record = { disk, index, leaf: leafOf(index) };
    yield record;
    if (proved.has(index)) yield { ...record, proved: true };
  }
}
