import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { Type } from 'typebox';
import type { InstanceMark } from '../folders/mark.ts';
import { instanceId } from '../../../shared/domain/ids.ts';
import { volumeGroup } from '../images/disk-format.ts';
import { makeRootDisk, type MakeVolume } from '../images/root-disk.ts';
import { defineCommand, type HostParts } from './definition.ts';
import { settleAtHome } from './guest.ts';
import { holdingImage } from './image-space.ts';
import { Spec } from './schemas.ts';

/** Builds a guest from its image and starts it. */
export const spawn = defineCommand({
  name: 'spawn',
  arguments: Type.Object({ spec: Spec }),
  async run(command, parts) {
    const { instance_id, epoch } = command;
    const { spec } = command.arguments;
    await parts.hypervisor.admits(spec);
    const present = await parts.folders.home(instance_id);
    const base: InstanceMark = {
      instance_id,
      migration_id: null,
      epoch,
      role: 'home',
      spec,
      disks: present?.disks ?? [],
      reserved_bytes: 0,
      // A volume that an earlier try made goes with the folder that names it.
      ...(present?.conversions === undefined ? {} : { conversions: present.conversions }),
    };
    await parts.folders.make(base);
    const folder = parts.folders.folder(instance_id, 'home');
    const built = base.disks.length > 0 && (await isThere(join(folder, 'disk')));
    if (!built) {
      const { host, images, settings } = parts;
      const makeVolume = volumeMaker(base, parts);
      const disk = await holdingImage(command, parts, () =>
        makeRootDisk({ folder, spec, images, settings, host, asker: command, makeVolume }),
      );
      command.signal.throwIfAborted();
      await parts.folders.write({ ...base, disks: [disk] });
    }
    const power_state = await settleAtHome(command, parts, true);
    return {
      summary: built ? 'the guest was there already' : 'the guest was built and started',
      result: { power_state },
    };
  },
});

/** Null: this host's disks are files. @throws DroverError volume_group_unset */
function volumeMaker(base: InstanceMark, { host, folders, settings, volumes }: HostParts): MakeVolume | null {
  const group = volumeGroup(settings, host);
  if (group === null) return null;
  return async (name, size_bytes) => {
    const id = instanceId(base.instance_id);
    const volume = await volumes.plan(group, id, { name, size_bytes });
    const mark = { ...base, conversions: [{ name, format: 'raw' as const, volume }] };
    await volumes.promising(mark, () => folders.write(mark));
    return { volume, device: await volumes.make(id, volume) };
  };
}

async function isThere(path: string): Promise<boolean> {
  try {
    // A volume's device may be away: then it is still the guest's disk.
    await lstat(path);
    return true;
  } catch {
    return false;
  }
}
