import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';

/** Alignment that O_DIRECT may ask for. */
const ALIGNMENT_BYTES = 4096;
/** V8 hands out memory at multiples of this. */
const GRAIN_BYTES = 16;

/** Opens for reading past the page cache, or, where the file system cannot, through it. */
export async function openDirect(
  path: string,
): Promise<{ readonly handle: FileHandle; readonly direct: boolean }> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW;
  try {
    return { handle: await open(path, flags | constants.O_DIRECT), direct: true };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error;
    return { handle: await open(path, flags), direct: false };
  }
}

/**
 * Memory that O_DIRECT can read into: its address must be aligned, and JavaScript does not know addresses, so
 * places are tried until the kernel takes one. @returns null when it takes none.
 */
export async function alignedMemory(handle: FileHandle, bytes: number): Promise<Buffer | null> {
  const memory = Buffer.allocUnsafeSlow(bytes + ALIGNMENT_BYTES);
  // Large blocks start 16 bytes after a page nearly always: from there downwards.
  for (let shift = ALIGNMENT_BYTES - GRAIN_BYTES; shift >= 0; shift -= GRAIN_BYTES) {
    try {
      await handle.read(memory, shift, ALIGNMENT_BYTES, 0);
      return memory.subarray(shift, shift + bytes);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error;
    }
  }
  return null;
}
