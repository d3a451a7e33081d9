import { join } from 'node:path';
import { isDroverError } from '../../../shared/errors/drover-error.ts';
import type {
  BackingFile,
  BackingImage,
  ChangedBelow,
  CommandName,
  DiskDescription,
} from '../../../shared/messaging/commands.ts';
import {
  areSameFiles,
  chainOf,
  describeChain,
  readSameChain,
  TRAVELLING,
  travelName,
  type ChainFile,
} from '../images/backing-chain.ts';
import type { ChangedRanges } from '../mover/mover.ts';
import { becauseOf } from './cached-file.ts';
import type { AcceptedCommand, HostParts } from './definition.ts';

/** What the disks of a guest that is at home here stand on. */

type Command = AcceptedCommand<CommandName>;

/** The disks with what their files say now, not what was so when they were made. @throws as readChain */
export function withChains(
  disks: readonly DiskDescription[],
  command: Command,
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
 * @param may_have_changed true: one that was written to is sent all the same, and found when all has been sent
 * @throws DroverError backing_image_changed
 */
export async function travellingPaths(
  disks: readonly DiskDescription[],
  command: Command,
  parts: HostParts,
  may_have_changed: boolean,
): Promise<Readonly<Record<string, string>>> {
  const paths: Record<string, string> = {};
  if (!disks.some(({ name }) => TRAVELLING.test(name))) return paths;
  const folder = parts.folders.folder(command.instance_id, 'home');
  for (const { name, backing } of disks) {
    if (backing === null) continue;
    const overlay = join(folder, name);
    const found = await parts.images.chain(overlay, command);
    const files =
      may_have_changed && areSameFiles(found, chainOf(backing))
        ? found
        : await readSameChain(overlay, backing, parts.images.reader, command);
    for (const [place, file] of chainOf(backing).entries()) {
      const path = files[place]?.path;
      // By both its names: a target of an earlier version knows only the one of what it is now.
      if (path !== undefined)
        for (const known of [file, { sha512: file.sha512 }]) paths[travelName(known)] = path;
    }
  }
  return paths;
}

/**
 * What a round has to look at when the hypervisor cannot say: the guest's own disks. Nobody writes to what they stand on, so
 * that is read in the first round and in no other; one that was changed all the same is found by `changedBelow`.
 */
export const mayHaveChanged = (
  disks: readonly DiskDescription[],
  known: ChangedRanges | null,
): ChangedRanges => known ?? ofNames(disks.map(({ name }) => name).filter((name) => !TRAVELLING.test(name)));

/**
 * Files that have changed since a sender read them: one more round reads them again. If they change once more, or the round
 * has not got all, what has arrived is not what was agreed, and `verify` says so.
 */
export const agreedAnew = (disks: readonly DiskDescription[]): ChangedRanges =>
  ofNames(
    disks
      .flatMap(({ backing }) => chainOf(backing))
      .filter(({ travels_as }) => travels_as !== undefined)
      .map(travelName),
  );

const ofNames = (names: readonly string[]): ChangedRanges =>
  Object.fromEntries(names.map((name) => [name, null]));

/**
 * Looks once more at what the disks stand on. A guest sees what is written to such a file beneath it, here and now, so
 * what the file says now is the guest's content, whoever wrote it: it is told, for the target to be sent that. Not so a
 * file that promises its content by its name: what is written to that is damage, and damage is not carried on. Nor another
 * file in its place: a guest that runs has the one open that it was started on.
 * While the guest runs only what the sender has at hand can be sent again: for other files than it was told of, of another
 * length or such as the target has itself, there would have to be another sender, which knows of no round.
 * @returns null when all is as it was agreed
 * @throws DroverError backing_image_changed for a change that is not to be told
 */
export async function changedBelow(
  command: AcceptedCommand<'precopy'> | AcceptedCommand<'copy'>,
  parts: HostParts,
): Promise<ChangedBelow | null> {
  const { disks, tells_changes } = command.arguments;
  try {
    await unchangedChains(disks, command, parts);
    return null;
  } catch (error) {
    if (tells_changes !== true || !isDroverError(error, 'backing_image_changed')) throw error;
    const own = disks.filter(({ name }) => !TRAVELLING.test(name));
    const now = await withChains(own, command, parts);
    const agreed = new Map(own.map(({ name, backing }) => [name, backing]));
    if (!now.every(({ name, backing }) => areSameFiles(chainOf(backing), chainOf(agreed.get(name) ?? null))))
      throw becauseOf(error, 'it stands on other files now than when that was agreed');
    const changed = now.map((disk) => ({
      ...disk,
      backing: travellingAsAgreed(disk.backing, agreed.get(disk.name) ?? null),
    }));
    if (command.command === 'precopy' && !areAtHand(changed, disks)) throw error;
    return { message: error.message, disks: changed };
  }
}

/**
 * A file that has become longer is more than the target has admitted, one whose holes were filled more than it has reserved,
 * and one that has become shorter ends too soon: what sends it fails before anybody has looked, and does not know why.
 * @throws DroverError backing_image_changed in place of such a failure; whatever the work throws
 */
export async function blamingChanges<Result>(
  command: AcceptedCommand<'precopy'> | AcceptedCommand<'copy'>,
  parts: HostParts,
  sending: Promise<Result>,
): Promise<Result> {
  try {
    return await sending;
  } catch (error) {
    if (isDroverError(error, 'mover_refused', 'mover_read_failed', 'mover_target_full'))
      await unchangedChains(command.arguments.disks, command, parts);
    throw error;
  }
}

/** True when the files that have changed are among those that are sent, and these are all there are still. */
function areAtHand(now: readonly DiskDescription[], sent: readonly DiskDescription[]): boolean {
  const agreed = new Set(sent.flatMap(({ backing }) => chainOf(backing)).map(({ sha512 }) => sha512));
  const travelling = new Set(sent.map(({ name }) => name).filter((name) => TRAVELLING.test(name)));
  const files = now.flatMap(({ backing }) => chainOf(backing));
  const names = new Set(files.map(travelName));
  const are_sent = files.every((file) => agreed.has(file.sha512) || travelling.has(travelName(file)));
  return are_sent && [...travelling].every((name) => names.has(name));
}

/** Files that are as long as they were keep the names under which they travel. */
function travellingAsAgreed(now: BackingImage | null, agreed: BackingImage | null): BackingImage | null {
  const before = chainOf(agreed);
  const travelling = (file: BackingFile, place: number): BackingFile => {
    const then = before[place];
    const travels_as = then?.travels_as ?? then?.sha512;
    const stays = travels_as !== file.sha512 && then?.size_bytes === file.size_bytes;
    return stays && travels_as !== undefined ? { ...file, travels_as } : file;
  };
  if (now === null) return null;
  const { below } = now;
  return {
    ...now,
    ...travelling(now, 0),
    ...(below === undefined ? {} : { below: below.map((file, place) => travelling(file, place + 1)) }),
  };
}

/**
 * The chains of disks as they were surveyed. Cheap: only files that were touched are read.
 * @throws DroverError backing_image_changed
 */
export async function unchangedChains(
  disks: readonly DiskDescription[],
  command: Command,
  parts: HostParts,
): Promise<readonly (readonly ChainFile[])[]> {
  const folder = parts.folders.folder(command.instance_id, 'home');
  const chains: (readonly ChainFile[])[] = [];
  for (const { name, backing } of disks) {
    if (backing === null) continue;
    chains.push(await readSameChain(join(folder, name), backing, parts.images.reader, command));
  }
  return chains;
}
