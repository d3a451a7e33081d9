import { Type } from 'typebox';
import { comeHome } from './come-home.ts';
import { defineCommand } from './definition.ts';
import { settleAtHome } from './guest.ts';
import { Spec } from './schemas.ts';

/** Revert, at the source: the retired guest is at home again. */
export const restore = defineCommand({
  name: 'restore',
  arguments: Type.Object({ spec: Spec, power_on: Type.Boolean() }),
  needs_migration: true,
  async run(command, parts) {
    const outcome = await comeHome(command, parts, 'retired', command.arguments.spec);
    const power_state = await settleAtHome(command, parts, command.arguments.power_on);
    return {
      summary: outcome === 'moved' ? 'the guest is at home again' : 'the guest was at home already',
      result: { power_state },
    };
  },
});
