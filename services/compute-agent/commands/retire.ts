import { DroverError } from '../../../shared/errors/drover-error.ts';
import { defineCommand, migrationOf } from './definition.ts';
import { isRunning } from './guest.ts';
import { Nothing } from './schemas.ts';

/** From here on this host refuses to start the guest: the folder's mark has the next epoch and is no home. */
export const retire = defineCommand({
  name: 'retire',
  arguments: Nothing,
  needs_migration: true,
  async run(command, parts) {
    const { instance_id, epoch } = command;
    const migration_id = migrationOf(command, parts);
    // A guest that was started since the copy has written to its disks: the copy is not its disk any more.
    if (await isRunning(instance_id, parts))
      throw new DroverError('guest_state_unexpected', {
        instance: instance_id,
        host: parts.host,
        expected: 'shut down before it leaves',
        found: 'running',
      });
    await parts.hypervisor.undefine(instance_id);
    const move = { from: 'home', to: 'retired', owner: 'anyone', migration_id, epoch } as const;
    const outcome = await parts.folders.move(instance_id, move);
    parts.keys.forget(migration_id);
    return {
      summary: outcome === 'moved' ? 'the source is retired' : 'the source was retired already',
      result: {},
    };
  },
});
