import { writeFileSync } from 'node:fs';
import { findServerId } from '../../session/find-server.ts';
import { openSession, say, type Command } from '../context.ts';

interface Arguments {
  readonly for: string | undefined;
  readonly output: string | undefined;
}

export const clusterCommands: Command = {
  command: 'cluster',
  describe: 'The cluster as placement sees it',
  builder: (argv) => argv.command(dumpCluster).demandCommand(1, 'Say what to do with the cluster.').strict(),
  handler: () => {},
};

const dumpCluster: Command<Arguments> = {
  command: 'dump',
  describe: 'Write the cluster as text: what `drover placement simulate` reads',
  builder: (argv) =>
    argv
      .option('for', {
        type: 'string',
        describe: 'Add what the next move of this server asks: a whole problem in one file',
      })
      .option('output', { alias: 'o', type: 'string', describe: 'Write to this file and not to the screen' }),
  handler: async (options) => {
    const session = await openSession(options);
    const query = options.for === undefined ? '' : `?server=${await findServerId(session, options.for)}`;
    const { text } = await session.request('drover', 'GET', `/cluster${query}`);
    if (options.output === undefined) {
      process.stdout.write(text);
      return;
    }
    writeFileSync(options.output, text);
    say(`Wrote ${options.output}. Try it: drover placement simulate ${options.output}`);
  },
};
