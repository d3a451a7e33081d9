import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { HostName } from '../../../shared/domain/ids.ts';
import { readMark } from '../folders/mark.ts';
import { chainOf, readLinks } from './backing-chain.ts';
import { CACHE_FOLDER, SHA512 } from './cache-folder.ts';
import { readQcow2Header } from './qcow2-header.ts';

/**
 * Folders whose disks may be half there, and are another host's word: what they stand on is in their mark, and the names
 * in them are read, but lead nowhere before they are this host's own. Opening what they name may do anything.
 */
const ARRIVING = /\.staging$/;

/**
 * Digests of the cache's files that anything on this host stands on, by the folder of what does: by the marks of all
 * instance folders, whatever their role, and by the headers of all files in all folders beside the cache, whoever put
 * them there. What a file of the cache stands on itself is not followed here.
 * @throws whatever keeps it from being sure: then nothing may be removed
 */
export async function filesByUser(
  instances_path: string,
  host: HostName,
): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const users = new Map<string, ReadonlySet<string>>();
  for (const entry of await readdir(instances_path, { withFileTypes: true })) {
    const folder = join(instances_path, entry.name);
    if (entry.name === CACHE_FOLDER || !(await isFolder(folder))) continue;
    const used = new Set<string>();
    const mark = await readMark(folder);
    for (const { backing } of mark?.disks ?? []) for (const { sha512 } of chainOf(backing)) used.add(sha512);
    for (const path of await belowFilesIn(folder, ARRIVING.test(entry.name), host))
      if (SHA512.test(basename(path))) used.add(basename(path));
    users.set(entry.name, used);
  }
  return users;
}

/** Of whatever folder. @throws as filesByUser */
export async function usedFiles(instances_path: string, host: HostName): Promise<ReadonlySet<string>> {
  const users = await filesByUser(instances_path, host);
  return new Set([...users.values()].flatMap((used) => [...used]));
}

/** Also one that lies elsewhere and has only its name here. */
async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isDirectory() === true;
}

/** Paths of all that the qcow2 files in a folder stand on. */
async function belowFilesIn(
  folder: string,
  is_arriving: boolean,
  host: HostName,
): Promise<readonly string[]> {
  const paths: string[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (!entry.isFile() && (is_arriving || !entry.isSymbolicLink())) continue;
    try {
      const below = (await readQcow2Header(path))?.backing_file ?? null;
      if (below === null) continue;
      if (is_arriving) paths.push(below);
      else for (const link of await readLinks(path, host)) paths.push(link.path);
    } catch (error) {
      // A file that went meanwhile uses nothing; a copy that is not whole yet has its chain in its mark.
      const is_gone = (error as NodeJS.ErrnoException).code === 'ENOENT';
      const is_unfinished = is_arriving && error instanceof RangeError;
      if (!is_gone && !is_unfinished) throw error;
    }
  }
  return paths;
}
