import { randomUUID } from 'node:crypto';
import {
  hostName,
  imageId,
  instanceId,
  migrationId,
  operationId,
  projectId,
  requestId,
  userId,
  type InstanceId,
} from '../../../shared/domain/ids.ts';
import type { ImageSource, InstanceSpec } from '../../../shared/domain/instance-spec.ts';
import type { CommandArguments, CommandName } from '../../../shared/messaging/commands.ts';
import type { CommandMessage } from '../../../shared/messaging/messages.ts';
import { sampleFlavor } from '../domain/sample-flavor.ts';

export const HOST = hostName('compute1');
export const newInstanceId = () => instanceId(randomUUID());
export const newMigrationId = () => migrationId(randomUUID());

export function sampleSpec(id: InstanceId = newInstanceId(), image: ImageSource | null = null): InstanceSpec {
  return {
    id,
    instance_name: `instance-${id.slice(0, 8)}`,
    display_name: 'a server',
    project_id: projectId('0'.repeat(32)),
    user_id: userId('1'.repeat(32)),
    flavor: sampleFlavor({ flavor_id: 'small', name: 'small', memory_mb: 512, root_gb: 0 }),
    image,
    image_properties: {},
    metadata: {},
  };
}

export function sampleImage(change: Partial<ImageSource> = {}): ImageSource {
  return {
    id: imageId(randomUUID()),
    url: 'http://127.0.0.1:1/image/v2/images/x/file',
    ticket: '1.ab',
    disk_format: 'raw',
    size_bytes: 1,
    sha512: 'a'.repeat(128),
    ...change,
  };
}

/** A command as a scheduler would send it now. */
export function sampleCommand<Name extends CommandName>(
  command: Name,
  arguments_: CommandArguments[Name],
  change: Partial<CommandMessage> = {},
): CommandMessage<Name> {
  return {
    type: 'command',
    message_id: randomUUID(),
    request_id: requestId(`req-${randomUUID()}`),
    sent_at: new Date().toISOString(),
    operation_id: operationId(randomUUID()),
    step: command,
    direction: 'action',
    attempt: 1,
    command,
    instance_id: newInstanceId(),
    migration_id: null,
    epoch: 1,
    fencing: 1,
    deadline_at: new Date(Date.now() + 60_000).toISOString(),
    ...change,
    arguments: arguments_,
  } as CommandMessage<Name>;
}
