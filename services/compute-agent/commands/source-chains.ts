import { join } from 'node:path';
import type { CommandName, DiskDescription } from '../../../shared/messaging/commands.ts';
import { describeChain, TRAVELLING, travelName, type ChainFile } from '../images/backing-chain.ts';
import type { ChangedRanges } from '../mover/mover.ts';
import type { AcceptedCommand, HostParts } from './definition.ts';

/** What the disks of a guest that is at home here stand on. */

/** The disks with what their files say now, not what was so when they were made. @throws as readChain */
export function withChains(
  disks: readonly DiskDescription[],
  command: AcceptedCommand<'survey'>,
  parts: HostParts,
): Promise<readonly DiskDescription[]> {
  const folder = parts.folders.folder(command.instance_id, 'home');
  return Promise.all(
    disks.map(async (disk) => {
      if (disk.format !== 'qcow2') return disk;
      const files = await parts.images.chain(join(folder, disk.name), command);
      return { ...disk, backing: describeChain(files, disk.backing) };
    }),
  );
}

/**
 * Where the files lie that the target wants beside the disks. The order names them by digest: no path ever comes in
 * a message.
 * @throws DroverError backing_image_changed
 */
export async function travellingPaths(
  disks: readonly DiskDescription[],
  command: AcceptedCommand<CommandName>,
  parts: HostParts,
): Promise<Readonly<Record<string, string>>> {
  const paths: Record<string, string> = {};
  if (!disks.some(({ name }) => TRAVELLING.test(name))) return paths;
  for (const files of await unchangedChains(disks, command, parts))
    for (const { sha512, path } of files) paths[travelName(sha512)] = path;
  return paths;
}

/**
 * What a round has to look at when the hypervisor cannot say: the guest's own disks. Nobody writes to what they stand on, so
 * that is read in the first round and in no other; one that was changed all the same is found by `unchangedChains`.
 */
export function mayHaveChanged(
  disks: readonly DiskDescription[],
  known: ChangedRanges | null,
): ChangedRanges {
  if (known !== null) return known;
  const written = disks.filter(({ name }) => !TRAVELLING.test(name));
  return Object.fromEntries(written.map(({ name }) => [name, null]));
}

/**
 * The chains of disks as they were surveyed. Cheap: only files that were touched are read.
 * @throws DroverError backing_image_changed
 */
export async function unchangedChains(
  disks: readonly DiskDescription[],
  command: AcceptedCommand<CommandName>,
  parts: HostParts,
): Promise<readonly (readonly ChainFile[])[]> {
  const folder = parts.folders.folder(command.instance_id, 'home');
  const chains: (readonly ChainFile[])[] = [];
  for (const { name, backing } of disks) {
    if (backing === null) continue;
    const overlay = join(folder, name);
    chains.push(await parts.images.sameChain(overlay, backing, command));
  }
  return chains;
}
