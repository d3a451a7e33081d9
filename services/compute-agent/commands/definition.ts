import type { TSchema } from 'typebox';
import type { HostName, InstanceId, MigrationId } from '../../../shared/domain/ids.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import type { CommandArguments, CommandName, CommandResults } from '../../../shared/messaging/commands.ts';
import type { TransferProgress } from '../../../shared/messaging/messages.ts';
import type { InstanceFolders } from '../folders/instance-folders.ts';
import type { Hypervisor } from '../hypervisor/hypervisor.ts';
import type { ImageCache } from '../images/image-cache.ts';
import type { ImagesType } from '../images/disk-format.ts';
import type { DiskSettings } from '../images/root-disk.ts';
import type { ReceiverAdmission, SenderSupervisor } from '../mover/mover.ts';
import type { TransferKeys } from '../transfer-keys.ts';
import type { SpaceLedger } from '../folders/space-ledger.ts';
import type { HostVolumes } from '../volumes/host-volumes.ts';

/** The parts of a host that commands work with. */
export interface HostParts {
  readonly host: HostName;
  /** `my_ip`: movers connect from here. */
  readonly address: string;
  readonly hypervisor: Hypervisor;
  readonly folders: InstanceFolders;
  readonly images: ImageCache;
  readonly space: SpaceLedger;
  readonly volumes: HostVolumes;
  readonly keys: TransferKeys;
  readonly sender: SenderSupervisor;
  readonly receiver: ReceiverAdmission;
  readonly settings: HostSettings;
}

export interface HostSettings extends DiskSettings {
  readonly stall_timeout_seconds: number;
  /** How long a guest that was started on arrival is watched. */
  readonly start_grace_seconds: number;
  /** Format of disks that come here; `default`: the one that they have. */
  readonly images_type: ImagesType;
  /** Where images_type = lvm keeps disks. */
  readonly images_volume_group: string | null;
  /** `[mover] reserve_headroom_percent`. */
  readonly reserve_headroom_percent: number;
}

/** A command that passed the gate: its arguments have the shape of its schema. */
export interface AcceptedCommand<Name extends CommandName> {
  readonly command: Name;
  readonly instance_id: InstanceId;
  readonly migration_id: MigrationId | null;
  readonly epoch: number;
  readonly arguments: CommandArguments[Name];
  /** Aborted when a newer command takes its place. */
  readonly signal: AbortSignal;
  /** Resolves when the commands that this one has interrupted have ended. */
  readonly interrupted: Promise<unknown>;
  readonly onProgress: (progress: TransferProgress) => void;
  /** For work that has nothing to count: to be called whenever it has gone on a little, as often as it likes. */
  readonly atWork: () => void;
}

/** One sentence for the record, and what the scheduler needs to go on. */
export interface CommandOutcome<Name extends CommandName> {
  readonly summary: string;
  readonly result: CommandResults[Name];
}

export interface CommandDefinition<Name extends CommandName = CommandName> {
  readonly name: Name;
  /** JSON Schema of the arguments. Unknown members are ignored: a newer scheduler may send more. */
  readonly arguments: TSchema;
  /** Commands without a migration are refused. */
  readonly needs_migration?: true;
  /** Not queued behind the instance's other commands. */
  readonly at_once?: true;
  /** Runs beside what is under way for the instance and interrupts nothing. */
  readonly beside?: true;
  /** Aborts whatever else runs for the instance, not only older commands of its own operation. */
  readonly interrupts_all?: true;
  /** Its work lies in a process of its own and goes on when the agent ends. */
  readonly outlives_agent?: true;
  /**
   * First looks whether the effect is there, and then says so. May be run twice, late, and after any crash.
   * @throws DroverError for what the world refuses
   */
  run(command: AcceptedCommand<Name>, parts: HostParts): Promise<CommandOutcome<Name>>;
}

/** Keeps the literal name, so that arguments and result are checked against it. */
export function defineCommand<Name extends CommandName>(
  definition: CommandDefinition<Name>,
): CommandDefinition<Name> {
  return definition;
}

/** The migration of a command that was declared with `needs_migration`. */
export function migrationOf(command: AcceptedCommand<CommandName>, parts: HostParts): MigrationId {
  if (command.migration_id !== null) return command.migration_id;
  throw new DroverError('command_invalid', {
    host: parts.host,
    reason: `${command.command} was sent without a migration`,
  });
}
