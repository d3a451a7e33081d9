import { defineCommand, migrationOf } from './definition.ts';
import { Nothing } from './schemas.ts';

/** Undo of restore: off at once, for the other host may be about to start it. */
export const unrestore = defineCommand({
  name: 'unrestore',
  arguments: Nothing,
  needs_migration: true,
  async run(command, parts) {
    const { instance_id, epoch } = command;
    const migration_id = migrationOf(command, parts);
    const home = await parts.folders.read(instance_id, 'home');
    if (home?.migration_id === migration_id) await parts.hypervisor.undefine(instance_id);
    const move = { from: 'home', to: 'retired', owner: migration_id, migration_id, epoch } as const;
    const outcome = await parts.folders.move(instance_id, move);
    return {
      summary: outcome === 'moved' ? 'the source is retired again' : 'the source was retired',
      result: {},
    };
  },
});
