import { Type } from 'typebox';
import { comeHome } from './come-home.ts';
import { defineCommand } from './definition.ts';
import { settleAtHome } from './guest.ts';
import { Spec } from './schemas.ts';

/** Undo of withdraw. */
export const unwithdraw = defineCommand({
  name: 'unwithdraw',
  arguments: Type.Object({ spec: Spec, power_on: Type.Boolean() }),
  needs_migration: true,
  async run(command, parts) {
    const outcome = await comeHome(command, parts, 'withdrawn', command.arguments.spec);
    const power_state = await settleAtHome(command, parts, command.arguments.power_on);
    return {
      summary: outcome === 'moved' ? 'the guest is back in its folder' : 'the guest was in its folder',
      result: { power_state },
    };
  },
});
