import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import type { BackingFile } from '../../../shared/messaging/commands.ts';
import { isInForm, type InstanceMark, type MarkedDisk } from '../folders/mark.ts';
import { checkArrivedDisk, checkCachedFile } from '../images/arrived-disk.ts';
import { chainOf, travelName } from '../images/backing-chain.ts';
import { seenNow } from '../images/cache-files.ts';
import { makeConverted, placeConverted } from '../images/converted-disk.ts';
import { renameBackingFile } from '../images/describe-disk.ts';
import { backingFileName, growDisk } from '../images/root-disk.ts';
import { findCached } from './cached-file.ts';
import { defineCommand, migrationOf, type AcceptedCommand, type HostParts } from './definition.ts';
import { Nothing } from './schemas.ts';

/** What has arrived and was verified becomes what this host keeps: files that disks stand on, and its formats. */
export const prepare = defineCommand({
  name: 'prepare',
  arguments: Nothing,
  needs_migration: true,
  async run(command, parts) {
    const { instance_id } = command;
    const migration_id = migrationOf(command, parts);
    const staging = await parts.folders.read(instance_id, 'staging');
    if (staging?.migration_id !== migration_id)
      throw new DroverError('guest_not_admitted', {
        instance: instance_id,
        host: parts.host,
        found: staging === null ? 'there is no staging folder' : 'the staging folder is of another migration',
      });
    // Nothing may write to the disks any more, before they are touched here.
    await parts.receiver.withdraw(migration_id);
    const folder = parts.folders.folder(instance_id, 'staging');
    await placeConverted(folder, markedAsConverted(staging));
    const taken = await takeChains(folder, staging.disks, command, parts);
    for (const disk of staging.disks) await nameBacking(join(folder, disk.name), disk, parts);
    const converted = await convert(folder, staging, command, parts);
    return {
      summary: `${taken} file(s) went into the image cache, ${converted} disk(s) were converted and compared`,
      result: {},
    };
  },
});

/** Lowest first: a file is checked for what it stands on. */
async function takeChains(
  folder: string,
  disks: readonly MarkedDisk[],
  command: AcceptedCommand<'prepare'>,
  parts: HostParts,
): Promise<number> {
  let taken = 0;
  for (const { backing } of disks) {
    const chain = chainOf(backing);
    for (const [place, file] of [...chain.entries()].reverse()) {
      const below = chain[place + 1] ?? null;
      const travelled = join(folder, travelName(file));
      if (await isInCache(file, travelled, command, parts)) {
        await checkCachedFile(parts.images.path(file.sha512), file, below, parts.host);
        // Another guest's migration may have brought it meanwhile: what came here is nobody's.
        await rm(travelled, { force: true });
        continue;
      }
      await parts.images.take({ path: travelled, file, below }, command);
      taken += 1;
    }
  }
  return taken;
}

/** One that is damaged there makes room for the one that has come: that was verified. */
async function isInCache(
  { sha512 }: BackingFile,
  travelled: string,
  command: AcceptedCommand<'prepare'>,
  parts: HostParts,
): Promise<boolean> {
  if (seenNow(travelled) === null) return parts.images.has(sha512);
  return (await findCached(sha512, command, parts)).is_here;
}

/** Before qemu-img opens the disk: it may refer to what it was admitted with and to nothing else. */
async function nameBacking(path: string, disk: MarkedDisk, parts: HostParts): Promise<void> {
  // Converted by an earlier try. Asked here, too: until now the guest can go back to its source at once.
  if (disk.volume !== undefined) await parts.volumes.requireDevice(path, disk.volume);
  if (disk.backing !== null && disk.format === 'qcow2')
    await renameBackingFile(path, backingFileName(disk.backing.sha512), parts.host);
  await checkArrivedDisk(path, disk, parts.host);
}

async function convert(
  folder: string,
  staging: InstanceMark,
  command: AcceptedCommand<'prepare'>,
  parts: HostParts,
): Promise<number> {
  const wanted = staging.conversions ?? [];
  let mark = staging;
  for (const conversion of wanted) {
    const { name, format, volume } = conversion;
    const disk = mark.disks.find((candidate) => candidate.name === name);
    if (disk === undefined || isInForm(disk, conversion)) continue;
    const forms = { folder, name, from: disk.format, to: format, host: parts.host };
    if (volume === undefined) await makeConverted(forms, command);
    else {
      // So that all of the volume is written: what its extents held before was somebody else's.
      await growDisk(join(folder, name), disk, volume.size_bytes, parts.host);
      const makeDevice = () => parts.volumes.make(command.instance_id, volume);
      await makeConverted({ ...forms, makeDevice }, command);
    }
    // Both that is compared was read through what the disk stands on.
    for (const { sha512 } of chainOf(disk.backing)) await parts.images.check(sha512, command);
    command.signal.throwIfAborted();
    const converted = { name, format, backing: null, ...(volume === undefined ? {} : { volume }) };
    const disks = mark.disks.map((other) => (other === disk ? converted : other));
    mark = { ...mark, disks };
    await parts.folders.write(mark);
    await placeConverted(folder, [name]);
  }
  return wanted.length;
}

/** A crash may have left them compared, marked and not in their places. */
function markedAsConverted({ conversions = [], disks }: InstanceMark): readonly string[] {
  return conversions
    .filter((conversion) => disks.some((disk) => isInForm(disk, conversion)))
    .map(({ name }) => name);
}
