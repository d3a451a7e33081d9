import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Type } from 'typebox';
import type { InstanceMark } from '../folders/mark.ts';
import { makeRootDisk } from '../images/root-disk.ts';
import type { InstanceId } from '../../../shared/domain/ids.ts';
import type { InstanceSpec } from '../../../shared/domain/instance-spec.ts';
import { defineCommand, type HostParts } from './definition.ts';
import { settleAtHome } from './guest.ts';
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
      const disk = await holdingImage(instance_id, spec, parts, () =>
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

/** Building takes nothing of the space that copies on their way here were promised. @throws DroverError host_disk_full */
async function holdingImage<Result>(
  instance_id: InstanceId,
  { image }: InstanceSpec,
  { images, settings, space }: HostParts,
  build: () => Promise<Result>,
): Promise<Result> {
  if (image === null) return build();
  const { sha512, size_bytes } = image;
  const fetched_bytes = (await images.has(sha512)) ? 0 : size_bytes;
  const copied_bytes = settings.use_cow_images ? 0 : size_bytes;
  return space.holding({ instance_id, purpose: 'the image', bytes: fetched_bytes, shared_as: sha512 }, () =>
    space.holding({ instance_id, purpose: 'the disk', bytes: copied_bytes }, build),
  );
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch {
    return false;
  }
}
