import { findServerId } from '../../session/find-server.ts';
import { waitForServer } from '../../wait.ts';
import { openSession, type Command } from '../context.ts';
import { timeoutOption, waitOption } from '../wait-options.ts';

interface Arguments {
  readonly server: string;
  readonly wait: boolean;
  readonly timeout: number;
}

function powerCommand(word: 'start' | 'stop', status: string): Command<Arguments> {
  return {
    command: `${word} <server>`,
    describe: word === 'start' ? 'Power a server on' : 'Power a server off',
    builder: (argv) =>
      argv
        .positional('server', { type: 'string', demandOption: true, describe: 'Name or id' })
        .option('wait', waitOption)
        .option('timeout', timeoutOption),
    handler: async (options) => {
      const session = await openSession(options);
      const id = await findServerId(session, options.server);
      const answer = await session.request('compute', 'POST', `/servers/${id}/action`, {
        body: { [`os-${word}`]: null },
      });
      if (!options.wait) return;
      await waitForServer(session, {
        server_id: id,
        request_id: answer.request_id,
        statuses: [status],
        what: word,
        timeout_seconds: options.timeout,
        watch_migration: false,
      });
    },
  };
}

export const startServer = powerCommand('start', 'ACTIVE');
export const stopServer = powerCommand('stop', 'SHUTOFF');
