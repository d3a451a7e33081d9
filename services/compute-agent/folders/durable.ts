import { randomBytes } from 'node:crypto';
import { mkdir, open, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/**
 * Files and names that are still there after a power cut. A rename is only durable once its folder is flushed,
 * and a file's content only once the file is; both are done here so that nobody forgets one of them.
 */

/** Replaces a file whole or not at all. */
export async function writeFileDurably(path: string, content: string | Uint8Array): Promise<void> {
  const draft = join(dirname(path), `.${randomBytes(6).toString('hex')}.draft`);
  const file = await open(draft, 'wx', 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, path);
  await syncFolder(dirname(path));
}

/** Renames within one parent folder, or between two, and flushes both. */
export async function renameDurably(source: string, target: string): Promise<void> {
  await rename(source, target);
  await syncFolder(dirname(target));
  if (dirname(source) !== dirname(target)) await syncFolder(dirname(source));
}

/** Flushes the names in a folder. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Flushes the content of a file that somebody else has written. */
export async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes a folder and what is above it, for the owner alone. */
export async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
}
