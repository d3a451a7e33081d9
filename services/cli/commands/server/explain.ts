import { CommandFailure, ExitCode } from '../../exit-codes.ts';
import { findServerId } from '../../session/find-server.ts';
import { list, record, text } from '../../session/json.ts';
import { openSession, say, type Command } from '../context.ts';
import { showDecisionById } from '../decision/index.ts';
import { hostsOption } from '../decision/view.ts';

interface Arguments {
  readonly server: string;
  readonly hosts: number;
}

const positional = { type: 'string', demandOption: true, describe: 'Name or id' } as const;

export const explainServer: Command<Arguments> = {
  command: 'explain <server>',
  describe: 'Why the server was put where it is, or why no host was found: its newest decision',
  builder: (argv) => argv.positional('server', positional).option('hosts', hostsOption),
  handler: async (options) => {
    const session = await openSession(options);
    const id = await findServerId(session, options.server);
    const answer = await session.request('drover', 'GET', `/decisions?server=${id}&limit=1`);
    const decision = text(list(answer.body, 'decisions')[0], 'id');
    if (decision === null) {
      throw new CommandFailure(
        ExitCode.refused,
        `No decision about server '${options.server}' is stored.`,
        'It was adopted with its host, or its decision has expired.',
      );
    }
    await showDecisionById(session, decision, options);
  },
};

export const explainMigration: Command<Arguments> = {
  command: 'explain <server>',
  describe: 'Why the newest migration chose its host and not another one, or found none',
  builder: (argv) => argv.positional('server', positional).option('hosts', hostsOption),
  handler: async (options) => {
    const session = await openSession(options);
    const id = await findServerId(session, options.server);
    const answer = await session.request('drover', 'GET', `/migrations?server=${id}&limit=1`);
    const [migration] = list(answer.body, 'migrations');
    if (migration === undefined) {
      throw new CommandFailure(
        ExitCode.refused,
        `Server '${options.server}' was never migrated.`,
        `Ask where it would go: drover server migrate ${options.server} --dry-run`,
      );
    }
    const decision = text(migration, 'decision_id');
    if (decision === null) {
      const reason = text(record(migration, 'reason'), 'message');
      throw new CommandFailure(
        ExitCode.refused,
        `No host has been chosen for this migration${reason === null ? ' yet' : `: ${reason}`}`,
      );
    }
    await showDecisionById(session, decision, options);
    const reason = text(record(migration, 'reason'), 'message');
    if (reason !== null && text(migration, 'target_host') !== null) {
      say(`The migration did not end there: ${reason}`);
    }
  },
};
