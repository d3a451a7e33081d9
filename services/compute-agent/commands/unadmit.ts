import { defineCommand, migrationOf } from './definition.ts';
import { Nothing } from './schemas.ts';

/** Undo of admit. The images it fetched stay: they are a cache. */
export const unadmit = defineCommand({
  name: 'unadmit',
  arguments: Nothing,
  needs_migration: true,
  async run(command, parts) {
    const migration_id = migrationOf(command, parts);
    await parts.receiver.withdraw(migration_id);
    const outcome = await parts.folders.remove(command.instance_id, 'staging', migration_id);
    return {
      summary:
        outcome === 'removed'
          ? 'the key is withdrawn and the staging folder is gone'
          : 'nothing was staged any more',
      result: {},
    };
  },
});
