import { defineCommand, migrationOf } from './definition.ts';
import { Nothing } from './schemas.ts';

/** The end of a revert: the withdrawn copy goes. Only this migration's. */
export const discardTarget = defineCommand({
  name: 'discard_target',
  arguments: Nothing,
  needs_migration: true,
  async run(command, parts) {
    const outcome = await parts.folders.remove(command.instance_id, 'withdrawn', migrationOf(command, parts));
    return {
      summary: outcome === 'removed' ? "the target's copy was removed" : "the target's copy was gone already",
      result: {},
    };
  },
});
