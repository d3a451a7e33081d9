import { Type } from 'typebox';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import { defineCommand } from './definition.ts';
import { isRunning, requireHome } from './guest.ts';
import { Bytes, Disks, Endpoint } from './schemas.ts';
import { blamingChanges, changedBelow, mayHaveChanged } from './source-chains.ts';
import { transferOf } from './transfer.ts';

/** Sends the disks of a guest that is off, or what it has changed since they were sent while it ran. The mover finds out what the target holds already. */
export const copy = defineCommand({
  name: 'copy',
  arguments: Type.Object({
    endpoint: Endpoint,
    disks: Disks,
    limit_bytes_per_second: Bytes,
    paused: Type.Optional(Type.Boolean()),
    after_precopy: Type.Optional(Type.Boolean()),
    tells_changes: Type.Optional(Type.Boolean()),
  }),
  needs_migration: true,
  outlives_agent: true,
  async run(command, parts) {
    const id = command.instance_id;
    await requireHome(id, parts);
    if (await isRunning(id, parts))
      throw new DroverError('guest_state_unexpected', {
        instance: id,
        host: parts.host,
        expected: 'shut down while its disks are copied',
        found: 'running',
      });
    const transfer = await transferOf(command, parts, command.arguments);
    const watch = { signal: command.signal, onProgress: command.onProgress };
    // The guest is off: this is all that it has written since the last round began to read.
    const { disks, after_precopy } = command.arguments;
    const changed =
      after_precopy === true ? mayHaveChanged(disks, await parts.hypervisor.takeDirty(id)) : null;
    const result = await blamingChanges(command, parts, parts.sender.send(transfer, watch, changed));
    // What was sent stands on files that nobody wrote to meanwhile.
    const change = await changedBelow(command, parts);
    return {
      summary: `${result.sent_bytes} bytes sent, ${result.skipped_bytes} skipped, in ${result.rounds} round(s)`,
      result: change === null ? result : { ...result, changed: change },
    };
  },
});
