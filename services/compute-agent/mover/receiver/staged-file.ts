import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';

/** Opens a file that a disk is received into, and never what a link in its place leads to. @throws the file system's errors */
export async function openOrMake(
  path: string,
): Promise<{ readonly handle: FileHandle; readonly made: boolean }> {
  const flags = constants.O_RDWR | constants.O_NOFOLLOW;
  try {
    return { handle: await open(path, flags), made: false };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return { handle: await open(path, flags | constants.O_CREAT | constants.O_EXCL, 0o600), made: true };
}
