import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Type } from 'typebox';
import type { InstanceMark } from '../folders/mark.ts';
import { makeRootDisk } from '../images/root-disk.ts';
import { defineCommand } from './definition.ts';
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
    };
    await parts.folders.make(base);
    const folder = parts.folders.folder(instance_id, 'home');
    const built = base.disks.length > 0 && (await isThere(join(folder, 'disk')));
    if (!built) {
      const { host, images, settings } = parts;
      const disk = await holdingImage(command, parts, () =>
        makeRootDisk({ folder, spec, images, settings, host, asker: command }),
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

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch {
    return false;
  }
}
