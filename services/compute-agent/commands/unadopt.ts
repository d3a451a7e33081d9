import { defineCommand, migrationOf } from './definition.ts';
import { Nothing } from './schemas.ts';

/** Undo of adopt: only what this migration brought is removed, a guest that is here by right never. */
export const unadopt = defineCommand({
  name: 'unadopt',
  arguments: Nothing,
  needs_migration: true,
  async run(command, parts) {
    const { instance_id } = command;
    const migration_id = migrationOf(command, parts);
    const home = await parts.folders.read(instance_id, 'home');
    if (home === null || home.migration_id === migration_id) await parts.hypervisor.undefine(instance_id);
    await parts.receiver.withdraw(migration_id);
    const removed = [
      await parts.folders.remove(instance_id, 'home', migration_id),
      await parts.folders.remove(instance_id, 'staging', migration_id),
    ];
    return {
      summary: removed.includes('removed')
        ? 'the copy was removed'
        : 'nothing of the copy was there any more',
      result: {},
    };
  },
});
