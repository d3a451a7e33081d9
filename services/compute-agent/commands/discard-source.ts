import { realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { defineCommand, migrationOf, type HostParts } from './definition.ts';
import type { InstanceId } from '../../../shared/domain/ids.ts';
import { Nothing } from './schemas.ts';

/** The point of no return of a confirm: the source's copy goes. Only this migration's. */
export const discardSource = defineCommand({
  name: 'discard_source',
  arguments: Nothing,
  needs_migration: true,
  async run(command, parts) {
    const devices = await devicesOf(command.instance_id, parts);
    const outcome = await parts.folders.remove(command.instance_id, 'retired', migrationOf(command, parts));
    const removed =
      outcome === 'removed' ? "the source's copy was removed" : "the source's copy was gone already";
    return {
      summary: [removed, ...devices.map((device) => `${device} was left for its owner to remove`)].join('; '),
      result: {},
    };
  },
});

/** Devices that we did not make are not ours: only their names in the folder go. What they are is for the record, so that somebody can. */
async function devicesOf(id: InstanceId, { folders }: HostParts): Promise<readonly string[]> {
  const devices: string[] = [];
  for (const { name, volume } of (await folders.read(id, 'retired'))?.disks ?? []) {
    if (volume !== undefined) continue;
    const path = join(folders.folder(id, 'retired'), name);
    const found = await stat(path).catch(() => null);
    if (found?.isBlockDevice() === true) devices.push(await realpath(path));
  }
  return devices;
}
