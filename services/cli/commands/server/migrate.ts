import { CommandFailure, ExitCode } from '../../exit-codes.ts';
import { parseRate } from '../../output/sizes.ts';
import { findServerId } from '../../session/find-server.ts';
import { list, text } from '../../session/json.ts';
import { waitForServer } from '../../wait.ts';
import { openSession, say, type Command } from '../context.ts';
import { timeoutOption, waitOption } from '../wait-options.ts';

interface Waiting {
  readonly server: string;
  readonly wait: boolean;
  readonly timeout: number;
}

interface Arguments extends Waiting {
  readonly host: string | undefined;
  readonly limit: string | undefined;
}

export const migrateServer: Command<Arguments> = {
  command: 'migrate <server>',
  describe: 'Move a server to another host; it then waits in VERIFY_RESIZE to be confirmed or reverted',
  builder: (argv) =>
    argv
      .command(settleCommand('confirm', 'Keep the server where it is now and remove the copy it left behind'))
      .command(settleCommand('revert', 'Take the server back to the host it came from'))
      .positional('server', { type: 'string', demandOption: true, describe: 'Name or id' })
      .option('host', { type: 'string', describe: 'Move it to this host' })
      .option('limit', { type: 'string', describe: 'Send no faster than this, e.g. 50MiB/s' })
      .option('wait', {
        ...waitOption,
        describe: 'Watch it until VERIFY_RESIZE; the exit code says whether it moved',
      })
      .option('timeout', timeoutOption)
      .example('$0 server migrate vm1 --wait', 'move it and watch')
      .example('$0 server migrate vm1 --host compute2', 'move it to a certain host'),
  handler: async (options) => {
    const limit = options.limit === undefined ? null : rateOf(options.limit);
    const session = await openSession(options);
    const id = await findServerId(session, options.server);
    const answer = await session.request('compute', 'POST', `/servers/${id}/action`, {
      body: { migrate: options.host === undefined ? {} : { host: options.host } },
    });
    if (limit !== null) {
      const [migration] = list(
        (await session.request('drover', 'GET', `/migrations?server=${id}&limit=1`)).body,
        'migrations',
      );
      await session.request('drover', 'PUT', `/migrations/${text(migration, 'id')}`, {
        body: { limit_bytes_per_second: limit },
      });
    }
    if (!options.wait) return;
    const server = await waitForServer(session, {
      server_id: id,
      request_id: answer.request_id,
      statuses: ['VERIFY_RESIZE'],
      what: 'migration',
      timeout_seconds: options.timeout,
      watch_migration: true,
    });
    const host = text(server, 'OS-EXT-SRV-ATTR:host');
    say(`${options.server} is in VERIFY_RESIZE on ${host ?? 'its new host'}.`);
    say(`Keep it there: drover server migrate confirm ${options.server}`);
    say(`Take it back:  drover server migrate revert ${options.server}`);
  },
};

function settleCommand(word: 'confirm' | 'revert', describe: string): Command<Waiting> {
  return {
    command: `${word} <server>`,
    describe,
    builder: (argv) =>
      argv
        .positional('server', { type: 'string', demandOption: true, describe: 'Name or id' })
        .option('wait', waitOption)
        .option('timeout', timeoutOption),
    handler: async (options) => {
      const session = await openSession(options);
      const id = await findServerId(session, options.server);
      const action = word === 'confirm' ? 'confirmResize' : 'revertResize';
      const answer = await session.request('compute', 'POST', `/servers/${id}/action`, {
        body: { [action]: null },
      });
      if (!options.wait) return;
      const server = await waitForServer(session, {
        server_id: id,
        request_id: answer.request_id,
        statuses: ['ACTIVE', 'SHUTOFF'],
        what: word,
        timeout_seconds: options.timeout,
        watch_migration: false,
      });
      say(
        `${options.server} is ${text(server, 'status')} on ${text(server, 'OS-EXT-SRV-ATTR:host') ?? 'its host'}.`,
      );
    },
  };
}

function rateOf(value: string): number {
  try {
    return parseRate(value);
  } catch (error) {
    throw new CommandFailure(
      ExitCode.usage,
      `--limit: ${error instanceof Error ? error.message : String(error)}.`,
    );
  }
}
