import { defineCommand, migrationOf } from './definition.ts';
import { Nothing } from './schemas.ts';

/** When it is answered no mover of the migration reads the source's disks any more. */
export const abortCopy = defineCommand({
  name: 'abort_copy',
  arguments: Nothing,
  needs_migration: true,
  at_once: true,
  async run(command, parts) {
    await parts.sender.cancel(migrationOf(command, parts));
    await command.interrupted;
    return { summary: 'no mover of this migration runs', result: {} };
  },
});
