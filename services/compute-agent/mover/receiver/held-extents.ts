import { ExtentSet } from '../disks/data-map.ts';
import type { ExtentLayout } from '../disks/extents.ts';
import { LeafTable } from '../disks/leaf-table.ts';
import type { JournalContent } from './journal.ts';

/** What a journal says of one disk. */
export interface HeldExtents {
  readonly leaves: LeafTable;
  /** Those that were read again from the disk since they were written. */
  readonly proved: ExtentSet;
}

/** @param disk its place among the journal's disks */
export function heldExtents(journal: JournalContent, disk: number, layout: ExtentLayout): HeldExtents {
  const leaves = new LeafTable(layout);
  const proved = new ExtentSet(layout.count, false);
  for (const record of journal.records) {
    if (record.disk !== disk || record.index >= layout.count) continue;
    if (record.proved === true) {
      if (journal.proofs_count && leaves.get(record.index).equals(record.leaf)) proved.add(record.index);
    } else {
      leaves.set(record.index, record.leaf);
      proved.delete(record.index);
    }
  }
  return { leaves, proved };
}
