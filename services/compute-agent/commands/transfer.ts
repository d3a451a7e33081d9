import { DroverError } from '../../../shared/errors/drover-error.ts';
import type { DiskDescription, ReceiverEndpoint } from '../../../shared/messaging/commands.ts';
import type { Transfer } from '../mover/mover.ts';
import { travellingPaths } from './source-chains.ts';
import { migrationOf, type AcceptedCommand, type HostParts } from './definition.ts';

/**
 * What the mover is told. Keys do not outlive the agent, but its movers do: one that still runs has its key.
 * @throws DroverError transfer_key_lost when the agent was restarted since survey and no mover is there to take up
 */
export async function transferOf(
  command: AcceptedCommand<'connect'> | AcceptedCommand<'precopy'> | AcceptedCommand<'copy'>,
  parts: HostParts,
  order: {
    readonly endpoint: ReceiverEndpoint;
    readonly disks: readonly DiskDescription[];
    readonly limit_bytes_per_second: number;
    readonly paused?: boolean;
    readonly tells_changes?: boolean;
  },
): Promise<Transfer> {
  const migration_id = migrationOf(command, parts);
  const key = parts.keys.find(migration_id);
  if (key === null && (await parts.sender.has?.(migration_id)) !== true)
    throw new DroverError('transfer_key_lost', { host: parts.host, migration: migration_id });
  return {
    migration_id,
    folder: parts.folders.folder(command.instance_id, 'home'),
    disks: order.disks,
    paths: await travellingPaths(order.disks, command, parts, order.tells_changes === true),
    endpoint: order.endpoint,
    private_key: key?.private_key ?? '',
    local_address: parts.address,
    limit_bytes_per_second: order.limit_bytes_per_second,
    paused: order.paused ?? false,
    stall_timeout_seconds: parts.settings.stall_timeout_seconds,
  };
}
