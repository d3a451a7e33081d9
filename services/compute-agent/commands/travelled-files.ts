import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { TRAVELLING } from '../images/backing-chain.ts';

/**
 * Removes files from a staging folder that came beside its disks and are wanted no more: what disks stand on may be agreed
 * anew, and then it comes under another name, or not at all. Nobody else removes them, and as a part of the guest's home
 * they would take room that is in no book, and name files of the host that they came from.
 * @param wanted whatever is named here stays
 */
export async function removeUnwanted(
  folder: string,
  wanted: readonly { readonly name: string }[],
): Promise<void> {
  const names = new Set(wanted.map(({ name }) => name));
  for (const name of await readdir(folder))
    if (TRAVELLING.test(name) && !names.has(name)) await rm(join(folder, name), { force: true });
}
