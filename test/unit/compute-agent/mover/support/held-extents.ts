import type { ExtentLayout } from '../../../../../services/compute-agent/mover/disks/extents.ts';
import { LeafTable } from '../../../../../services/compute-agent/mover/disks/leaf-table.ts';
import {
  noteHeld,
  nothingHeld,
  type HeldExtents,
} from '../../../../../services/compute-agent/mover/receiver/held-extents.ts';
import type { JournalContent } from '../../../../../services/compute-agent/mover/receiver/journal.ts';

/** What a journal says of one disk. @param disk its place among the journal's disks */
export async function heldExtents(
  journal: JournalContent,
  disk: number,
  layout: ExtentLayout,
): Promise<HeldExtents> {
  const held = nothingHeld(new LeafTable(layout));
  const others: null[] = Array.from({ length: disk }, () => null);
  await noteHeld(journal, [...others, held], () => undefined);
  return held;
}
