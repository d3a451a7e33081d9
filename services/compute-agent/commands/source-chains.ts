import { join } from 'node:path';
import type { DiskDescription } from '../../../shared/messaging/commands.ts';
import { describeChain, requireSameChain, TRAVELLING, travelName } from '../images/backing-chain.ts';
import { requireHome } from './guest.ts';
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
 */
export async function travellingPaths(
  disks: readonly DiskDescription[],
  command: AcceptedCommand<'connect'> | AcceptedCommand<'copy'>,
  parts: HostParts,
): Promise<Readonly<Record<string, string>>> {
  const paths: Record<string, string> = {};
  if (!disks.some(({ name }) => TRAVELLING.test(name))) return paths;
  const home = await requireHome(command.instance_id, parts);
  const folder = parts.folders.folder(command.instance_id, 'home');
  for (const disk of home.disks)
    if (disk.format === 'qcow2')
      for (const file of await parts.images.chain(join(folder, disk.name), command))
        paths[travelName(file.sha512)] = file.path;
  return paths;
}

/**
 * Once all is sent: nobody wrote to what the disks stand on since it was surveyed. Cheap: only what was touched is read.
 * @throws DroverError backing_image_changed
 */
export async function requireUnchanged(
  disks: readonly DiskDescription[],
  command: AcceptedCommand<'copy'>,
  parts: HostParts,
): Promise<void> {
  const folder = parts.folders.folder(command.instance_id, 'home');
  for (const { name, backing } of disks)
    if (backing !== null) {
      const overlay = join(folder, name);
      requireSameChain(await parts.images.chain(overlay, command), backing, overlay, parts.host);
    }
}
