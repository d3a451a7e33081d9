import { Type } from 'typebox';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import type { InstanceId } from '../../../shared/domain/ids.ts';
import { reservedBytesOf } from '../folders/space-need.ts';
import { defineCommand, migrationOf, type HostParts } from './definition.ts';
import { Address, Disks, PublicKey, Seconds, Spec } from './schemas.ts';

/** The target refuses now what could not work later: the guest still runs at its source. */
export const admit = defineCommand({
  name: 'admit',
  arguments: Type.Object({
    spec: Spec,
    disks: Disks,
    public_key: PublicKey,
    source_address: Address,
    expires_in_seconds: Seconds,
  }),
  needs_migration: true,
  async run(command, parts) {
    const { instance_id, epoch } = command;
    const { spec, disks, public_key, source_address, expires_in_seconds } = command.arguments;
    const migration_id = migrationOf(command, parts);
    await refuseClash(instance_id, parts);
    await parts.hypervisor.admits(spec);
    const { reserve_headroom_percent } = parts.settings;
    const reserved_bytes = disks.reduce(
      (sum, disk) => sum + reservedBytesOf(disk, reserve_headroom_percent),
      0,
    );
    const made = await parts.space.reserve({
      instance_id,
      migration_id,
      epoch,
      role: 'staging',
      spec,
      disks: disks.map(({ name, format, backing }) => ({ name, format, backing })),
      reserved_bytes,
    });
    for (const { backing } of disks)
      if (backing !== null && !(await parts.images.has(backing.sha512)))
        await parts.space.holding(
          { instance_id, purpose: 'the backing image', bytes: backing.size_bytes },
          () => parts.images.ensureBacking(backing, spec.image, command),
        );
    command.signal.throwIfAborted();
    const endpoint = await parts.receiver.admit({
      migration_id,
      folder: parts.folders.folder(instance_id, 'staging'),
      disks,
      reserved_bytes,
      public_key,
      source_address,
      expires_in_seconds,
    });
    return {
      summary:
        made === 'made'
          ? 'space is reserved and the key is admitted'
          : 'was admitted already; the key is renewed',
      result: { endpoint },
    };
  },
});

/** @throws DroverError guest_name_clash for anything of this instance that is here already */
async function refuseClash(id: InstanceId, parts: HostParts): Promise<void> {
  const refuse = (found: string) =>
    new DroverError('guest_name_clash', { instance: id, host: parts.host, found });
  if ((await parts.hypervisor.describe(id)) !== null) throw refuse('a guest with its id is defined there');
  for (const role of ['home', 'retired', 'withdrawn'] as const)
    if ((await parts.folders.read(id, role)) !== null)
      throw refuse(`folder ${parts.folders.folder(id, role)} is there`);
}
