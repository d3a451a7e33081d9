import type { CpuShare } from '../cpu-share.ts';
import type { HeldExtents } from '../receiver/held-extents.ts';
import { extentsWithData } from './data-map.ts';
import type { ExtentLayout } from './extents.ts';
import { LeafTable } from './leaf-table.ts';
import { LEAVES_AT_ONCE, RereadDisk } from './reread-disk.ts';

export interface DigestWatch {
  /** Bytes accounted for since the last call. */
  readonly onBytes: (bytes: number) => void;
  readonly signal: AbortSignal;
  readonly cpu?: CpuShare;
}

export interface DigestedFile {
  readonly leaves: LeafTable;
  /** Read from the disk now; the rest are holes, or were proved before. */
  readonly reread_bytes: number;
}

/**
 * Reads a file again from its disk and gives its leaves, which whoever asks closes.
 * @param heldOf says which extents were proved before and what they hold: those are not read
 * @throws the file system's errors; the signal's reason
 */
export async function digestFile(
  path: string,
  watch: DigestWatch,
  heldOf: (layout: ExtentLayout) => HeldExtents | null = () => null,
): Promise<DigestedFile> {
  const disk = await RereadDisk.open(path);
  const { layout } = disk;
  const leaves = new LeafTable(layout);
  try {
    const held = heldOf(layout);
    const written = await extentsWithData(path, disk.handle, layout);
    let reread_bytes = 0;
    let next = 0;
    const reader = async (): Promise<void> => {
      for (let index = next++; index < layout.count; index = next++) {
        watch.signal.throwIfAborted();
        const length = layout.length(index);
        if (held?.proved.has(index) === true) leaves.set(index, held.leaves.get(index));
        else if (written.has(index)) {
          await watch.cpu?.turn();
          leaves.set(index, await disk.leaf(index));
          reread_bytes += length;
        }
        watch.onBytes(length);
      }
    };
    const readers = Array.from({ length: LEAVES_AT_ONCE }, reader);
    // All have ended before the file is closed.
    await Promise.allSettled(readers);
    await Promise.all(readers);
    return { leaves, reread_bytes };
  } catch (error) {
    leaves.close();
    throw error;
  } finally {
    await disk.close();
  }
}
