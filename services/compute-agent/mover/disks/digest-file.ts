import { open } from 'node:fs/promises';
import { extentsWithData, sizeOf } from './data-map.ts';
import { ExtentLayout, isZero, leafOf } from './extents.ts';
import { LeafTable } from './leaf-table.ts';
import { alignedMemory, openDirect } from './read-direct.ts';

export interface DigestWatch {
  /** Bytes accounted for since the last call. */
  readonly onBytes: (bytes: number) => void;
  readonly signal: AbortSignal;
}

/**
 * Reads a file again from its disk and gives its leaves. The file is flushed first and then read past the page
 * cache (O_DIRECT), so that what is compared is what the disk holds; a file system without O_DIRECT (tmpfs) is
 * read through the cache.
 * @throws the file system's errors; the signal's reason
 */
export async function digestFile(path: string, watch: DigestWatch): Promise<LeafTable> {
  await flush(path);
  const { handle: direct_handle, direct } = await openDirect(path);
  let handle = direct_handle;
  try {
    const layout = new ExtentLayout(await sizeOf(handle));
    const leaves = new LeafTable(layout);
    const written = await extentsWithData(path, handle, layout);
    let memory = direct && layout.count > 0 ? await alignedMemory(handle, layout.extent_bytes) : null;
    if (memory === null) {
      memory = Buffer.allocUnsafeSlow(layout.extent_bytes);
      await handle.close();
      handle = await open(path, 'r');
    }
    for (let index = 0; index < layout.count; index += 1) {
      watch.signal.throwIfAborted();
      const length = layout.length(index);
      if (written.has(index)) {
        // A whole extent is asked for even at the end: O_DIRECT reads whole blocks.
        const { bytesRead } = await handle.read(memory, 0, memory.length, layout.offset(index));
        if (bytesRead < length)
          throw new Error(`${length} bytes expected at ${layout.offset(index)}, ${bytesRead} found`);
        const content = memory.subarray(0, length);
        if (!isZero(content)) leaves.set(index, leafOf(content));
      }
      watch.onBytes(length);
    }
    return leaves;
  } finally {
    await handle.close();
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
