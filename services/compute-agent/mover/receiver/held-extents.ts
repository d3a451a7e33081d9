import { ExtentSet } from '../disks/extent-set.ts';
import type { LeafTable } from '../disks/leaf-table.ts';
import { goThrough } from './journal-records.ts';
import type { JournalContent, JournalRecord } from './journal.ts';

/** What a journal says of one disk. */
export interface HeldExtents {
  readonly leaves: LeafTable;
  /** Those that were read again from the disk since they were written. */
  readonly proved: ExtentSet;
}

/**
 * Notes what a journal says of all disks: it is gone through once, and others have their turns meanwhile.
 * @param all in the order of the journal's disks; null: whatever it says of this one does not count
 * @param onWork hears of it again and again
 */
export async function noteHeld(
  journal: JournalContent,
  all: readonly (HeldExtents | null)[],
  onWork: () => void,
): Promise<void> {
  await goThrough(journal.records, onWork, (record) => {
    const held = all[record.disk];
    if (held !== undefined && held !== null) note(record, held, journal);
  });
}

/** @param leaves what is noted is noted there */
export const nothingHeld = (leaves: LeafTable): HeldExtents => ({
  leaves,
  proved: new ExtentSet(leaves.layout.count, false),
});

function note(
  record: JournalRecord,
  { leaves, proved }: HeldExtents,
  { proofs_count }: Pick<JournalContent, 'proofs_count'>,
): void {
  const { index, leaf } = record;
  if (index >= leaves.layout.count) return;
  if (record.proved === true) {
    if (proofs_count && leaves.holds(index, leaf)) proved.add(index);
  } else {
    leaves.set(index, leaf);
    proved.delete(index);
  }
}
