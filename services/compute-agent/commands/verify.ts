import { Type } from 'typebox';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import { chainOf } from '../images/backing-chain.ts';
import { defineCommand, migrationOf } from './definition.ts';
import { Disks } from './schemas.ts';

/** Digests of what really lies on the target's disk, for the scheduler to compare, and what of it is damaged. */
export const verify = defineCommand({
  name: 'verify',
  arguments: Type.Object({ disks: Disks }),
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
    for (const { backing } of staging.disks)
      for (const { sha512 } of chainOf(backing))
        if (await parts.images.has(sha512)) await parts.images.check(sha512, command);
    const result = await parts.receiver.verify(
      {
        migration_id: staging.migration_id,
        folder: parts.folders.folder(instance_id, 'staging'),
        disks: command.arguments.disks,
      },
      { signal: command.signal, onProgress: command.onProgress },
    );
    const { digests, damaged_count = 0, reread_bytes = 0 } = result;
    const read = `${digests.length} disk(s) were read again (${reread_bytes} bytes)`;
    return {
      summary: damaged_count === 0 ? read : `${read}; ${damaged_count} extent(s) are damaged`,
      result,
    };
  },
});
