import { openSession, type Command } from '../context.ts';
import { dryRunMany } from '../server/dry-run.ts';

interface Arguments {
  readonly server: readonly string[];
  readonly host: string | undefined;
}

export const planMigrations: Command<Arguments> = {
  command: 'plan <server..>',
  describe: 'Say where servers would go, moved in this order; moves nothing',
  builder: (argv) =>
    argv
      .positional('server', { type: 'string', array: true, demandOption: true, describe: 'Names or ids' })
      .option('host', { type: 'string', describe: 'Only to this host' }),
  handler: async (options) => {
    await dryRunMany(await openSession(options), options.server, options);
  },
};
