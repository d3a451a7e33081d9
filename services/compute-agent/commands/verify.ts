import { join } from 'node:path';
import { Type } from 'typebox';
import { DroverError, isDroverError } from '../../../shared/errors/drover-error.ts';
import type { BackingFile, DamagedBelow } from '../../../shared/messaging/commands.ts';
import type { InstanceMark } from '../folders/mark.ts';
import { requireArrived } from '../images/arrived-file.ts';
import { chainOf, travelName } from '../images/backing-chain.ts';
import { defineCommand, migrationOf, type AcceptedCommand, type HostParts } from './definition.ts';
import { Disks } from './schemas.ts';

/** Digests of what really lies on the target's disk, for the scheduler to compare, and what of it is damaged. */
export const verify = defineCommand({
  name: 'verify',
  arguments: Type.Object({ disks: Disks, tells_changes: Type.Optional(Type.Boolean()) }),
  needs_migration: true,
  async run(command, parts) {
    const { instance_id } = command;
    const staging = await parts.folders.read(instance_id, 'staging');
    if (staging?.migration_id !== migrationOf(command, parts))
      throw new DroverError('guest_not_admitted', {
        instance: instance_id,
        host: parts.host,
        found: staging === null ? 'there is no staging folder' : 'the staging folder is of another migration',
      });
    const in_cache = await damagedInCache(staging, command, parts);
    // All has to come again to this look once that is mended.
    if (in_cache !== null)
      return {
        summary: 'no disk was read again: what they stand on is not in the cache as it was agreed',
        result: { digests: [], changed: in_cache },
      };
    const result = await parts.receiver.verify(
      {
        migration_id: staging.migration_id,
        folder: parts.folders.folder(instance_id, 'staging'),
        disks: command.arguments.disks,
      },
      { signal: command.signal, onProgress: command.onProgress },
    );
    const { digests, damaged_count = 0, reread_bytes = 0 } = result;
    // What is damaged as a disk is sent again as a disk: its digest would say the same once more.
    const changed = damaged_count === 0 ? await damagedOnArrival(staging, command, parts) : null;
    const read = `${digests.length} disk(s) were read again (${reread_bytes} bytes)`;
    return {
      summary: damaged_count === 0 ? read : `${read}; ${damaged_count} extent(s) are damaged`,
      result: changed === null ? result : { ...result, changed },
    };
  },
});

type Command = AcceptedCommand<'verify'>;

const hasTravelled = (file: BackingFile, command: Command): boolean =>
  command.arguments.disks.some(({ name }) => name === travelName(file));

/** Since `admit` somebody may have written to the cache, or removed what nobody seemed to need. */
function damagedInCache(
  staging: InstanceMark,
  command: Command,
  parts: HostParts,
): Promise<DamagedBelow | null> {
  return asDamage(command, 'admit', async () => {
    for (const { backing } of staging.disks)
      for (const file of chainOf(backing))
        if (!hasTravelled(file, command) || (await parts.images.has(file.sha512)))
          await parts.images.check(file.sha512, command);
  });
}

/**
 * Both sides agree about the bytes that have travelled. They must be those that were promised, too: the source may have
 * read them while they were written, or wrongly.
 */
function damagedOnArrival(
  staging: InstanceMark,
  command: Command,
  parts: HostParts,
): Promise<DamagedBelow | null> {
  const folder = parts.folders.folder(command.instance_id, 'staging');
  return asDamage(command, 'copy', async () => {
    for (const { backing } of staging.disks) {
      const chain = chainOf(backing);
      for (const [place, file] of [...chain.entries()].reverse()) {
        if (!hasTravelled(file, command) || (await parts.images.has(file.sha512))) continue;
        const below = chain[place + 1] ?? null;
        await requireArrived(
          { path: join(folder, travelName(file)), file, below },
          parts.images.reader,
          command,
        );
      }
    }
  });
}

/** @param again what may mend it. @throws DroverError backing_image_changed when it is not to be told */
async function asDamage(
  { arguments: { tells_changes } }: Command,
  again: DamagedBelow['again'],
  look: () => Promise<void>,
): Promise<DamagedBelow | null> {
  try {
    await look();
    return null;
  } catch (error) {
    if (tells_changes !== true || !isDroverError(error, 'backing_image_changed')) throw error;
    return { message: error.message, again };
  }
}
