import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { wholeBlocks } from '../../folders/space-need.ts';
import { extentBytesOf, type ExtentLayout } from '../disks/extents.ts';
import { decodedBytes, HOLDINGS_PER_FRAME, holdingsFrame, type Extent, type Holding } from '../protocol.ts';
import type { JournalContent, JournalRecord } from './journal.ts';
import type { DiskProofs } from './proofs.ts';
import type { StagedDisk } from './staged-disk.ts';

/** Over what was there before zeros are written, too, and into its holes; they are dug again at the end. */
export const bytesTakenBy = ({ index, segments }: Extent, { layout, leaves }: StagedDisk): number =>
  index < layout.count && !leaves.isZero(index) ? layout.length(index) : wholeBlocks(decodedBytes(segments));

/** Blocks that the disks' files take together, with all that was taken. @throws the file system's errors */
export async function allocatedBytes(folder: string, disks: readonly StagedDisk[]): Promise<number> {
  await Promise.all(disks.map((disk) => disk.settle()));
  const found = await Promise.all(disks.map(({ name }) => stat(join(folder, name))));
  return found.reduce((sum, { blocks }) => sum + blocks * 512, 0);
}

/**
 * True when what a journal says of a disk counts for its file, whichever other disks there were: what disks stand on may
 * be agreed anew while they travel, and then more or fewer files come with them. The disk may have become longer since
 * the journal's first line was written; with extents of another length the records would be about other bytes. A file
 * that was lost with its name holds nothing, whatever the journal says.
 */
export function isContinued({ name, layout, made }: StagedDisk, known: JournalContent | null): boolean {
  const before = known?.subject.disks.find((disk) => disk.name === name);
  if (made || before === undefined) return false;
  return extentBytesOf(before.size_bytes) === layout.extent_bytes;
}

/** All that a new journal must say. */
export function* heldBy(
  disks: readonly StagedDisk[],
  proofs: readonly DiskProofs[],
): Generator<JournalRecord> {
  for (const [disk, staged] of disks.entries()) {
    const { leaves, layout } = staged;
    for (let index = 0; index < layout.count; index += 1) {
      if (!leaves.isZero(index) && !leaves.isUnknown(index)) yield { disk, index, leaf: leaves.get(index) };
    }
    yield* proofs[disk]?.records(disk, staged) ?? [];
  }
}

/** What a sender is told: extents that are not zeros, with their leaves. One frame in memory at a time. */
export function* holdingsFrames(disks: readonly StagedDisk[]): Generator<Buffer> {
  for (const [disk, { leaves, layout }] of disks.entries()) {
    let holdings: Holding[] = [];
    for (let index = 0; index < layout.count; index += 1) {
      if (leaves.isZero(index)) continue;
      holdings.push({ index, leaf: leaves.get(index) });
      if (holdings.length < HOLDINGS_PER_FRAME) continue;
      yield holdingsFrame(disk, holdings);
      holdings = [];
    }
    if (holdings.length > 0) yield holdingsFrame(disk, holdings);
  }
}

/** The same extents, and perhaps more of them. */
export const isGrown = (before: ExtentLayout, after: ExtentLayout | undefined): boolean =>
  after !== undefined && after.extent_bytes === before.extent_bytes && after.size_bytes >= before.size_bytes;

/** A file's name survives a power cut only when its folder was flushed too. */
export async function flushFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
