import type { InstanceSpec } from '../../../shared/domain/instance-spec.ts';
import type { CommandName } from '../../../shared/messaging/commands.ts';
import type { FolderRole } from '../folders/mark.ts';
import { migrationOf, type AcceptedCommand, type HostParts } from './definition.ts';

/**
 * A put-aside folder becomes the guest's home again. One that never left, or is back already, only takes the
 * command's epoch: the host has heard of it now.
 * @throws DroverError folder_missing, folder_occupied, folder_of_another_migration
 */
export async function comeHome(
  command: AcceptedCommand<CommandName>,
  parts: HostParts,
  from: Exclude<FolderRole, 'home'>,
  spec?: InstanceSpec,
): Promise<'moved' | 'was at home'> {
  const { instance_id, epoch } = command;
  const migration_id = migrationOf(command, parts);
  const home = await parts.folders.home(instance_id);
  if (home !== null && (await parts.folders.read(instance_id, from)) === null) {
    if (home.epoch !== epoch) await parts.folders.write({ ...home, epoch });
    return 'was at home';
  }
  const outcome = await parts.folders.move(instance_id, {
    from,
    to: 'home',
    owner: migration_id,
    migration_id,
    epoch,
    ...(spec === undefined ? {} : { spec }),
  });
  return outcome === 'moved' ? 'moved' : 'was at home';
}
