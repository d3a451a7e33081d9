import { Type } from 'typebox';
import { defineCommand, migrationOf } from './definition.ts';
import { isRunning } from './guest.ts';
import { Seconds } from './schemas.ts';

/** Revert, at the target: the guest goes off and its folder is put aside until the source has it again. */
export const withdraw = defineCommand({
  name: 'withdraw',
  arguments: Type.Object({ shutdown_timeout_seconds: Seconds }),
  needs_migration: true,
  async run(command, parts) {
    const { instance_id, epoch } = command;
    const migration_id = migrationOf(command, parts);
    const home = await parts.folders.read(instance_id, 'home');
    const mine = home?.migration_id === migration_id;
    const was_running = mine && (await isRunning(instance_id, parts));
    if (was_running) await parts.hypervisor.stop(instance_id, command.arguments.shutdown_timeout_seconds);
    if (mine) await parts.hypervisor.undefine(instance_id);
    const move = { from: 'home', to: 'withdrawn', owner: migration_id, migration_id, epoch } as const;
    const outcome = await parts.folders.move(instance_id, move);
    return {
      summary: outcome === 'moved' ? 'the guest is withdrawn' : 'the guest was withdrawn already',
      result: { was_running },
    };
  },
});
