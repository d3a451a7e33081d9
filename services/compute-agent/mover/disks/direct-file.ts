import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';

/** Alignment that O_DIRECT may ask for, of memory, offsets and lengths. */
export const ALIGNMENT_BYTES = 4096;

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
 * Memory that begins with a page. JavaScript does not know addresses, but what may be resized begins with one, for V8
 * takes that from the kernel and not from its heap.
 */
export const pageAligned = (bytes: number): Buffer =>
  Buffer.from(new ArrayBuffer(bytes, { maxByteLength: bytes }));

/**
 * Memory that O_DIRECT can use: its address must be aligned. Places are not tried until the kernel takes
 * one: where the file has a hole it takes any, and refuses it later where data is.
 * @param handle opened past the page cache, for reading
 * @returns null when it is not taken
 */
export async function alignedMemory(handle: FileHandle, bytes: number): Promise<Buffer | null> {
  const memory = pageAligned(bytes);
  try {
    await handle.read(memory, 0, Math.min(bytes, ALIGNMENT_BYTES), 0);
    return memory;
  } catch (error) {
    if (!refusesDirect(error)) throw error;
    return null;
  }
}
