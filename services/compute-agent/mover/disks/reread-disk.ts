import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { sizeOf } from './data-map.ts';
import { ExtentLayout, isZero, leafOf, ZERO_LEAF } from './extents.ts';
import { openDirect } from './direct-file.ts';
import { MemoryPool } from './memory-pool.ts';

/** So many leaves at once: the disk works while one is hashed. */
export const LEAVES_AT_ONCE = 3;
const memory_pool = new MemoryPool(LEAVES_AT_ONCE);

/**
 * A file as its disk holds it, not as it is remembered: flushed when it is opened here, and then read past the page cache
 * (O_DIRECT). A file system without O_DIRECT (tmpfs) is read through the cache.
 */
export class RereadDisk {
  readonly layout: ExtentLayout;
  readonly handle: FileHandle;
  readonly #direct: boolean;

  private constructor(handle: FileHandle, layout: ExtentLayout, direct: boolean) {
    this.handle = handle;
    this.layout = layout;
    this.#direct = direct;
  }

  /** @throws the file system's errors */
  static async open(path: string): Promise<RereadDisk> {
    await flush(path);
    const { handle, direct } = await openDirect(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      return new RereadDisk(handle, new ExtentLayout(await sizeOf(handle)), direct);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** The leaf of what the disk holds. Several may be asked for at once. @throws the file system's errors */
  async leaf(index: number): Promise<Buffer> {
    const { layout, handle } = this;
    const length = layout.length(index);
    const memory = await memory_pool.take(layout.extent_bytes, this.#direct ? handle : null);
    try {
      // A whole extent is asked for even at the end: O_DIRECT reads whole blocks.
      const { bytesRead } = await handle.read(memory, 0, layout.extent_bytes, layout.offset(index));
      if (bytesRead < length)
        throw new Error(`${length} bytes expected at ${layout.offset(index)}, ${bytesRead} found`);
      const content = memory.subarray(0, length);
      return isZero(content) ? ZERO_LEAF : leafOf(content);
    } finally {
      memory_pool.give(memory);
    }
  }

  async close(): Promise<void> {
    await this.handle.close();
  }
}

async function flush(path: string): Promise<void> {
  const handle = await open(path, 'r+');
  try {
    await handle.datasync();
  } finally {
    await handle.close();
  }
}
