import { comeHome } from './come-home.ts';
import { defineCommand } from './definition.ts';
import { defineHome, requireHome } from './guest.ts';
import { Nothing } from './schemas.ts';

/** Undo of retire. Whether the guest is started is for the undo of stop. */
export const unretire = defineCommand({
  name: 'unretire',
  arguments: Nothing,
  needs_migration: true,
  async run(command, parts) {
    const outcome = await comeHome(command, parts, 'retired');
    await defineHome(await requireHome(command.instance_id, parts), parts);
    return {
      summary: outcome === 'moved' ? 'the guest is back in its folder' : 'the guest was in its folder',
      result: {},
    };
  },
});
