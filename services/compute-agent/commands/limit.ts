import { Type } from 'typebox';
import { defineCommand, migrationOf } from './definition.ts';
import { Bytes } from './schemas.ts';

/** A copy that has ended has no rate to change: nothing to do is no failure. */
export const limit = defineCommand({
  name: 'limit',
  arguments: Type.Object({ limit_bytes_per_second: Bytes }),
  needs_migration: true,
  beside: true,
  async run(command, parts) {
    const { limit_bytes_per_second } = command.arguments;
    await parts.sender.limit(migrationOf(command, parts), limit_bytes_per_second);
    const rate = limit_bytes_per_second === 0 ? 'no limit' : `${limit_bytes_per_second} bytes per second`;
    return { summary: `the copy goes on at ${rate}`, result: {} };
  },
});
