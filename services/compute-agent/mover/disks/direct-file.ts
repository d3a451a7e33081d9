import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';

/** Alignment that O_DIRECT may ask for, of memory, offsets and lengths. */
export const ALIGNMENT_BYTES = 4096;
/** V8 hands out memory at multiples of this. */
const GRAIN_BYTES = 16;

/**
 * Opens a file past the page cache, or, where its file system cannot (tmpfs), through it. Past the cache a disk
 * costs half the processor time and leaves the host's memory to its guests.
 */
export async function openDirect(
  path: string,
  flags = constants.O_RDONLY | constants.O_NOFOLLOW,
): Promise<{ readonly handle: FileHandle; readonly direct: boolean }> {
  try {
    return { handle: await open(path, flags | constants.O_DIRECT), direct: true };
  } catch (error) {
    if (!refusesDirect(error)) throw error;
    return { handle: await open(path, flags), direct: false };
  }
}

/** The file system cannot, or not with this memory, place or length. */
export const refusesDirect = (error: unknown): boolean =>
  (error as NodeJS.ErrnoException | null)?.code === 'EINVAL';

/**
 * Memory that O_DIRECT can use: its address must be aligned, and JavaScript does not know addresses, so places
 * are tried until the kernel takes one.
 * @param handle opened past the page cache, for reading
 * @returns null when it takes none
 */
export async function alignedMemory(handle: FileHandle, bytes: number): Promise<Buffer | null> {
  const memory = Buffer.allocUnsafeSlow(bytes + ALIGNMENT_BYTES);
  // Large blocks start 16 bytes after a page nearly always: from there downwards.
  for (let shift = ALIGNMENT_BYTES - GRAIN_BYTES; shift >= 0; shift -= GRAIN_BYTES) {
    try {
      await handle.read(memory, shift, ALIGNMENT_BYTES, 0);
      return memory.subarray(shift, shift + bytes);
    } catch (error) {
      if (!refusesDirect(error)) throw error;
    }
  }
  return null;
}
