import { join } from 'node:path';
import { Type } from 'typebox';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import type { MarkedDisk } from '../folders/mark.ts';
import { checkArrivedDisk } from '../images/arrived-disk.ts';
import { chainOf } from '../images/backing-chain.ts';
import { renameBackingFile } from '../images/describe-disk.ts';
import { backingFileName, growDisk, wantedBytes } from '../images/root-disk.ts';
import { defineCommand, migrationOf, type HostParts } from './definition.ts';
import { settleAtHome } from './guest.ts';
import { Spec } from './schemas.ts';
import { removeUnwanted } from './travelled-files.ts';

/** The copy becomes the guest's home: from now on this host may run it, under the command's epoch. */
export const adopt = defineCommand({
  name: 'adopt',
  arguments: Type.Object({ spec: Spec, power_on: Type.Boolean() }),
  needs_migration: true,
  async run(command, parts) {
    const { instance_id, epoch } = command;
    const { spec, power_on } = command.arguments;
    const migration_id = migrationOf(command, parts);
    const staging = await parts.folders.read(instance_id, 'staging');
    const home = await parts.folders.home(instance_id);
    if (staging === null && home?.migration_id !== migration_id)
      throw new DroverError('guest_not_admitted', {
        instance: instance_id,
        host: parts.host,
        found: home === null ? 'there is no staging folder' : 'its folder is of another migration',
      });
    // Nothing may write to the disks any more, before they are touched here.
    await parts.receiver.withdraw(migration_id);
    if (staging?.migration_id === migration_id) {
      const folder = parts.folders.folder(instance_id, 'staging');
      for (const disk of staging.disks)
        await fitDisk(join(folder, disk.name), disk, wantedBytes(disk.name, spec), parts);
      // After that look nothing but the guest itself comes: it must not be given another content than was verified.
      for (const { backing } of staging.disks)
        for (const { sha512 } of chainOf(backing)) await parts.images.check(sha512, command);
      await removeUnwanted(folder, staging.disks);
    }
    const outcome = await parts.folders.move(instance_id, {
      from: 'staging',
      to: 'home',
      owner: migration_id,
      migration_id,
      epoch,
      spec,
    });
    const power_state = await settleAtHome(command, parts, power_on);
    return {
      summary: outcome === 'moved' ? 'the guest has arrived' : 'the guest had arrived already',
      result: { power_state },
    };
  },
});

/** The backing file has this host's name for it, and the disk is as large as the flavor says. */
async function fitDisk(
  path: string,
  disk: MarkedDisk,
  wanted_bytes: number,
  parts: HostParts,
): Promise<void> {
  if (disk.volume !== undefined) await parts.volumes.requireDevice(path, disk.volume);
  if (disk.backing !== null && disk.format === 'qcow2')
    await renameBackingFile(path, backingFileName(disk.backing.sha512), parts.host);
  // Before qemu-img or the hypervisor opens it.
  await checkArrivedDisk(path, disk, parts.host);
  await growDisk(path, disk, wanted_bytes, parts.host);
}
