import { Type } from 'typebox';
import { defineCommand, migrationOf } from './definition.ts';

/** A copy that has ended cannot stand still: nothing to do is no failure. */
export const pauseCopy = defineCommand({
  name: 'pause_copy',
  arguments: Type.Object({ paused: Type.Boolean() }),
  needs_migration: true,
  beside: true,
  async run(command, parts) {
    const { paused } = command.arguments;
    await parts.sender.pause(migrationOf(command, parts), paused);
    return { summary: paused ? 'the copy stands still' : 'the copy goes on', result: {} };
  },
});
