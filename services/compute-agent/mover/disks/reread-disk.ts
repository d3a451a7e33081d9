import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { sizeOf } from './data-map.ts';
import { ExtentLayout, isZero, leafOf, ZERO_LEAF } from './extents.ts';
import { alignedMemory, openDirect } from './direct-file.ts';

/**
 * A file as its disk holds it, not as it is remembered: flushed when it is opened here, and then read past the page cache
 * (O_DIRECT). A file system without O_DIRECT (tmpfs) is read through the cache.
 */
export class RereadDisk {
  readonly layout: ExtentLayout;
  readonly handle: FileHandle;
  readonly #memory: Buffer;

  private constructor(handle: FileHandle, layout: ExtentLayout, memory: Buffer) {
    this.handle = handle;
    this.layout = layout;
    this.#memory = memory;
  }

  /** @throws the file system's errors */
  static async open(path: string): Promise<RereadDisk> {
    await flush(path);
    const { handle, direct } = await openDirect(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      const layout = new ExtentLayout(await sizeOf(handle));
      const memory = direct && layout.count > 0 ? await alignedMemory(handle, layout.extent_bytes) : null;
      if (memory !== null) return new RereadDisk(handle, layout, memory);
      const cached = await open(path, 'r');
      await handle.close();
      return new RereadDisk(cached, layout, Buffer.allocUnsafeSlow(layout.extent_bytes));
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** The leaf of what the disk holds. @throws the file system's errors */
  async leaf(index: number): Promise<Buffer> {
    const { layout } = this;
    const length = layout.length(index);
    // A whole extent is asked for even at the end: O_DIRECT reads whole blocks.
    const { bytesRead } = await this.handle.read(this.#memory, 0, this.#memory.length, layout.offset(index));
    if (bytesRead < length)
      throw new Error(`${length} bytes expected at ${layout.offset(index)}, ${bytesRead} found`);
    const content = this.#memory.subarray(0, length);
    return isZero(content) ? ZERO_LEAF : leafOf(content);
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
