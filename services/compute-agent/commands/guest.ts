import { setTimeout as delay } from 'node:timers/promises';
import type { InstanceId } from '../../../shared/domain/ids.ts';
import { PowerState } from '../../../shared/domain/states.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import type { CommandName } from '../../../shared/messaging/commands.ts';
import { folderRoles, type InstanceMark } from '../folders/mark.ts';
import { describeDisk } from '../images/describe-disk.ts';
import type { AcceptedCommand, HostParts } from './definition.ts';

/** What several commands do with a guest. */

/**
 * The mark of the guest's home. A guest whose folder is retired, withdrawn or still arriving has none here: the one
 * home rule. Nothing that starts a guest goes around this.
 * @throws DroverError guest_not_defined, with what was found instead
 */
export async function requireHome(id: InstanceId, parts: HostParts): Promise<InstanceMark> {
  const home = await parts.folders.home(id);
  if (home !== null) return home;
  const found: string[] = [];
  for (const role of folderRoles)
    if ((await parts.folders.read(id, role)) !== null) found.push(parts.folders.folder(id, role));
  throw new DroverError('guest_not_defined', {
    instance: id,
    host: parts.host,
    found: found.length === 0 ? 'there is no folder of it' : `its folder there is ${found.join(', ')}`,
  });
}

/** Registers the guest from its home's mark. Never starts it. */
export async function defineHome(mark: InstanceMark, parts: HostParts): Promise<void> {
  const folder = parts.folders.folder(mark.spec.id, 'home');
  const disks = await Promise.all(mark.disks.map((disk) => describeDisk(folder, disk, parts.host)));
  await parts.hypervisor.define({ spec: mark.spec, folder, disks });
}

/** Null: no such guest is defined. */
export async function powerStateOf(id: InstanceId, parts: HostParts): Promise<PowerState | null> {
  return (await parts.hypervisor.describe(id))?.power_state ?? null;
}

export async function isRunning(id: InstanceId, parts: HostParts): Promise<boolean> {
  return (await powerStateOf(id, parts)) === PowerState.running;
}

/** Starts a guest that is at home here; one that is not defined any more is defined again from its mark. */
export async function startAtHome(id: InstanceId, parts: HostParts): Promise<'started' | 'was running'> {
  const mark = await requireHome(id, parts);
  if (await isRunning(id, parts)) return 'was running';
  if ((await powerStateOf(id, parts)) === null) await defineHome(mark, parts);
  await parts.hypervisor.start(id);
  return 'started';
}

/**
 * Defines a guest that has come home and brings it into the state it should be in.
 * @throws DroverError guest_did_not_start when it does not stay up for `start_grace_seconds`
 */
export async function settleAtHome(
  command: AcceptedCommand<CommandName>,
  parts: HostParts,
  power_on: boolean,
): Promise<PowerState> {
  const id = command.instance_id;
  await defineHome(await requireHome(id, parts), parts);
  if (power_on && (await startAtHome(id, parts)) === 'started') {
    const grace_seconds = parts.settings.start_grace_seconds;
    if (grace_seconds > 0) await delay(grace_seconds * 1000, undefined, { signal: command.signal });
    const found = await powerStateOf(id, parts);
    if (found !== PowerState.running)
      throw new DroverError('guest_did_not_start', {
        instance: id,
        host: parts.host,
        grace_seconds,
        found: powerStateName(found),
      });
  }
  return (await powerStateOf(id, parts)) ?? PowerState.noState;
}

/** A power state as a person would say it. */
export function powerStateName(state: PowerState | null): string {
  switch (state) {
    case null:
      return 'not defined';
    case PowerState.noState:
      return 'in no known state';
    case PowerState.running:
      return 'running';
    case PowerState.paused:
      return 'paused';
    case PowerState.shutdown:
      return 'shut down';
    case PowerState.crashed:
      return 'crashed';
    case PowerState.suspended:
      return 'suspended';
    default:
      return state satisfies never;
  }
}

/** A sentence's part for something that was done now or was so before. */
export function already(done: boolean, now: string, before: string): string {
  return done ? now : before;
}
