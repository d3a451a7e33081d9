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
  requireAgreed,
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
  return Promise.all(
    disks.map(async (disk) =>
      disk.format === 'qcow2' ? withChain(disk, await chainBelow(disk, command, parts)) : disk,
    ),
  );
}

const withChain = (disk: DiskDescription, files: readonly ChainFile[]): DiskDescription => ({
  ...disk,
  backing: describeChain(files, disk.backing),
});

const overlayOf = (disk: DiskDescription, { instance_id }: Command, { folders }: HostParts): string =>
  join(folders.folder(instance_id, 'home'), disk.name);

const chainBelow = (
  disk: DiskDescription,
  command: Command,
  parts: HostParts,
): Promise<readonly ChainFile[]> => parts.images.chain(overlayOf(disk, command, parts), command);

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
  for (const disk of disks) {
    const { backing } = disk;
    if (backing === null) continue;
    const files = await chainBelow(disk, command, parts);
    if (!may_have_changed || !areSameFiles(files, chainOf(backing)))
      await requireAgreed(overlayOf(disk, command, parts), files, backing, parts.images.reader);
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
  const chains = await chainsOfAll(disks, command, parts);
  try {
    await requireAllAgreed(disks, chains, command, parts);
    return null;
  } catch (error) {
    if (tells_changes !== true || !isDroverError(error, 'backing_image_changed')) throw error;
    const own = disks.filter(({ name }) => !TRAVELLING.test(name));
    // As they were read: a volume is read each time that it is asked for.
    const names = new TravelNames([...chains.values()].flat());
    const changed = own.map((disk) => {
      const files = chains.get(disk.name) ?? [];
      if (!areSameFiles(files, chainOf(disk.backing)))
        throw becauseOf(error, 'it stands on other files now than when that was agreed');
      return { ...disk, backing: travellingAsAgreed(withChain(disk, files).backing, disk.backing, names) };
    });
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
      await requireUnchanged(command.arguments.disks, command, parts);
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

/** Files that were alike when they were agreed have travelled as one; what has become of each needs a name of its own. */
class TravelNames {
  readonly #taken: Map<string, string>;

  constructor(files: readonly BackingFile[]) {
    this.#taken = new Map(files.map(({ sha512 }) => [sha512, sha512]));
  }

  /** True when no other file has it. */
  take(travels_as: string, { sha512 }: BackingFile): boolean {
    const taken = this.#taken.get(travels_as) ?? sha512;
    this.#taken.set(travels_as, taken);
    return taken === sha512;
  }
}

/** Files that are as long as they were keep the names under which they travel. */
function travellingAsAgreed(
  now: BackingImage | null,
  agreed: BackingImage | null,
  names: TravelNames,
): BackingImage | null {
  const before = chainOf(agreed);
  const travelling = (file: BackingFile, place: number): BackingFile => {
    const then = before[place];
    const travels_as = then?.travels_as ?? then?.sha512;
    const stays = travels_as !== file.sha512 && then?.size_bytes === file.size_bytes;
    return stays && travels_as !== undefined && names.take(travels_as, file) ? { ...file, travels_as } : file;
  };
  if (now === null) return null;
  const { below } = now;
  return {
    ...now,
    ...travelling(now, 0),
    ...(below === undefined ? {} : { below: below.map((file, place) => travelling(file, place + 1)) }),
  };
}

/** Of disks that stood on something when they were surveyed, by name. Cheap: only files that were touched are read. */
async function chainsOfAll(
  disks: readonly DiskDescription[],
  command: Command,
  parts: HostParts,
): Promise<ReadonlyMap<string, readonly ChainFile[]>> {
  const chains = new Map<string, readonly ChainFile[]>();
  for (const disk of disks)
    if (disk.backing !== null) chains.set(disk.name, await chainBelow(disk, command, parts));
  return chains;
}

/** @throws DroverError backing_image_changed */
async function requireAllAgreed(
  disks: readonly DiskDescription[],
  chains: ReadonlyMap<string, readonly ChainFile[]>,
  command: Command,
  parts: HostParts,
): Promise<void> {
  for (const disk of disks) {
    const files = chains.get(disk.name) ?? [];
    await requireAgreed(overlayOf(disk, command, parts), files, disk.backing, parts.images.reader);
  }
}

/** @throws DroverError backing_image_changed */
async function requireUnchanged(
  disks: readonly DiskDescription[],
  command: Command,
  parts: HostParts,
): Promise<void> {
  await requireAllAgreed(disks, await chainsOfAll(disks, command, parts), command, parts);
}
