import { defineCommand, migrationOf } from './definition.ts';
import { Nothing } from './schemas.ts';

/** The point of no return of a confirm: the source's copy goes. Only this migration's. */
export const discardSource = defineCommand({
  name: 'discard_source',
  arguments: Nothing,
  needs_migration: true,
  async run(command, parts) {
    const outcome = await parts.folders.remove(command.instance_id, 'retired', migrationOf(command, parts));
    return {
      summary: outcome === 'removed' ? "the source's copy was removed" : "the source's copy was gone already",
      result: {},
    };
  },
});
