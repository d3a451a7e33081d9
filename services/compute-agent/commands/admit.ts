import { Type } from 'typebox';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import type { InstanceId } from '../../../shared/domain/ids.ts';
import { reservedBytesOf } from '../folders/space-need.ts';
import { conversionsOf, convertedBytes, convertedIn, missingFiles } from './arriving-disks.ts';
import { defineCommand, migrationOf, type HostParts } from './definition.ts';
import { prepareBytes } from './prepare-cost.ts';
import { Address, Disks, PublicKey, Seconds, Spec } from './schemas.ts';
import { removeUnwanted } from './travelled-files.ts';

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
    const conversions = await conversionsOf(command, parts);
    const { missing, mended } = await missingFiles(command, parts);
    const transfer_disks = [...missing, ...disks];
    const { reserve_headroom_percent } = parts.settings;
    const reserved_bytes = sum(transfer_disks.map((disk) => reservedBytesOf(disk, reserve_headroom_percent)));
    const staged = await parts.folders.read(instance_id, 'staging');
    const made = await parts.space.reserve({
      instance_id,
      migration_id,
      epoch,
      role: 'staging',
      spec,
      disks: disks.map(({ name, format, backing }) => convertedIn(staged, name) ?? { name, format, backing }),
      reserved_bytes: reserved_bytes + convertedBytes(disks, conversions, reserve_headroom_percent),
      conversions,
    });
    command.signal.throwIfAborted();
    const folder = parts.folders.folder(instance_id, 'staging');
    const endpoint = await parts.receiver.admit({
      migration_id,
      folder,
      disks: transfer_disks,
      reserved_bytes,
      public_key,
      source_address,
      expires_in_seconds,
    });
    await removeUnwanted(folder, transfer_disks);
    const needs_prepare = missing.length > 0 || conversions.length > 0;
    return {
      summary: [
        made === 'made'
          ? 'space is reserved and the key is admitted'
          : 'was admitted already; the key is renewed',
        ...mended,
        ...missing.map(({ name }) => `the source is to send ${name}`),
        ...conversions.map(({ name, format, volume }) =>
          volume === undefined
            ? `${name} will be ${format}`
            : `${name} will be volume ${volume.group}/${volume.name} of ${volume.size_bytes} bytes`,
        ),
      ].join('; '),
      result: {
        endpoint,
        ...(missing.length > 0 ? { transfer_disks } : {}),
        ...(needs_prepare ? { needs_prepare, prepare_bytes: prepareBytes(disks, conversions, missing) } : {}),
      },
    };
  },
});

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);

/** @throws DroverError guest_name_clash for anything of this instance that is here already */
async function refuseClash(id: InstanceId, parts: HostParts): Promise<void> {
  const refuse = (found: string) =>
    new DroverError('guest_name_clash', { instance: id, host: parts.host, found });
  if ((await parts.hypervisor.describe(id)) !== null) throw refuse('a guest with its id is defined there');
  for (const role of ['home', 'retired', 'withdrawn'] as const)
    if ((await parts.folders.read(id, role)) !== null)
      throw refuse(`folder ${parts.folders.folder(id, role)} is there`);
}
