import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, renameSync, statSync } from 'node:fs';
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { DroverError } from '../../../shared/errors/drover-error.ts';
import { writeFileDurably } from '../folders/durable.ts';
import { SHA512 } from './cache-folder.ts';
import { LeafReader, type ContentLeaves } from './content-leaves.ts';
import { STAT_BLOCK_BYTES } from './describe-disk.ts';
import { readQcow2Header } from './qcow2-header.ts';
import type { Asker } from './shared-work.ts';

/** What lies in the cache's folder, as it is found there. */

/** The cache's files, and what each stands on in the cache itself. */
export async function filesIn(
  folder: string,
): Promise<ReadonlyMap<string, { readonly below: string | null }>> {
  const files = new Map<string, { readonly below: string | null }>();
  for (const name of await readdir(folder))
    if (SHA512.test(name)) files.set(name, { below: await belowOf(join(folder, name)) });
  return files;
}

/** A raw image may begin as any file does: what it seems to stand on is kept, too, which does no harm. */
async function belowOf(path: string): Promise<string | null> {
  try {
    const { backing_file } = (await readQcow2Header(path)) ?? { backing_file: null };
    return backing_file === null ? null : basename(backing_file);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** @returns null when there is no such file */
export async function sizeOf(path: string): Promise<number | null> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

const noteOf = (original: string): string => `${original}.raw.json`;

/**
 * The digest of the raw form that an image was converted to.
 * @param original path of the image, which may have left the cache
 */
export async function readRawFormNote(original: string): Promise<string | null> {
  try {
    const { sha512 } = JSON.parse(await readFile(noteOf(original), 'utf8')) as { sha512?: unknown };
    return typeof sha512 === 'string' && SHA512.test(sha512) ? sha512 : null;
  } catch {
    // Not there or damaged: the image is converted again.
    return null;
  }
}

export async function writeRawFormNote(original: string, sha512: string): Promise<void> {
  await writeFileDurably(noteOf(original), JSON.stringify({ sha512 }));
}

/** sha512 of a file's bytes, and their leaves, read now. */
export async function digestOf(
  path: string,
  asker: Asker,
): Promise<{ readonly sha512: string; readonly leaves: ContentLeaves }> {
  const digest = createHash('sha512');
  const leaves = new LeafReader();
  for await (const block of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
    asker.signal.throwIfAborted();
    asker.atWork();
    digest.update(block as Buffer);
    leaves.update(block as Buffer);
  }
  return { sha512: digest.digest('hex'), leaves: leaves.end() };
}

/** Which file lies at a path, as it is at this moment. */
export type FileSeen = Readonly<Record<'dev' | 'ino' | 'size' | 'mtimeNs' | 'ctimeNs', bigint>>;

/** One that is not what its name says. */
export interface DamagedFile {
  readonly seen: FileSeen;
  readonly error: DroverError;
}

/** @returns null when there is none */
export function seenNow(path: string): FileSeen | null {
  return statSync(path, { bigint: true, throwIfNoEntry: false }) ?? null;
}

const sameFile = (one: FileSeen, other: FileSeen | null): boolean =>
  other !== null &&
  (['dev', 'ino', 'size', 'mtimeNs', 'ctimeNs'] as const).every((of) => one[of] === other[of]);

/**
 * Removes a file of the cache; whoever has it open keeps it. That it goes is one moment: nobody can ask in between.
 * @param only this one, as it was seen; nothing: whatever lies there
 * @returns its bytes on the disk; 0 when it was gone; null when another one lies there
 */
export async function removeAtOnce(path: string, folder: string, only?: FileSeen): Promise<number | null> {
  const passing = join(folder, `${randomBytes(12).toString('hex')}.part`);
  if (only !== undefined && !sameFile(only, seenNow(path))) return null;
  try {
    renameSync(path, passing);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
  const { blocks } = await stat(passing);
  await rm(passing, { force: true });
  return blocks * STAT_BLOCK_BYTES;
}
