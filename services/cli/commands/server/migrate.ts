import { CommandFailure, ExitCode } from '../../exit-codes.ts';
import { findServerId } from '../../session/find-server.ts';
import { text } from '../../session/json.ts';
import type { Answer, Session } from '../../session/session.ts';
import { waitForServer } from '../../wait.ts';
import { openSession, say, type Command } from '../context.ts';
import { hostsOption } from '../decision/view.ts';
import { limitOption, priorityOption, rateOf } from '../rate-option.ts';
import { timeoutOption, waitOption } from '../wait-options.ts';
import { dryRunMany, dryRunOne } from './dry-run.ts';
import { explainMigration } from './explain.ts';

declare module 'yargs' {
  interface Argv<T> {
    /** As yargs has it; its published types know only the first argument. */
    global(key: string, is_global: boolean): Argv<T>;
  }
}

interface Waiting {
  readonly wait: boolean;
  readonly timeout: number;
}

interface Settling extends Waiting {
  readonly server: string;
}

interface Arguments extends Waiting {
  readonly server: readonly string[];
  readonly host: string | undefined;
  readonly limit: string | undefined;
  readonly warm: boolean | undefined;
  readonly 'downtime-budget': number | undefined;
  readonly priority: number | undefined;
  readonly 'dry-run': boolean;
  readonly 'if-cluster-version': number | undefined;
  readonly hosts: number;
}

export const migrateServer: Command<Arguments> = {
  command: 'migrate <server..>',
  describe: 'Move a server to another host; it then waits in VERIFY_RESIZE to be confirmed or reverted',
  builder: (argv) =>
    argv
      .command(settleCommand('confirm', 'Keep the server where it is now and remove the copy it left behind'))
      .command(settleCommand('revert', 'Take the server back to the host it came from'))
      .command(explainMigration)
      .positional('server', {
        type: 'string',
        array: true,
        demandOption: true,
        describe: 'Name or id; with --dry-run several, moved in this order',
      })
      // Else confirm, revert and explain would inherit that it is a list.
      .global('server', false)
      .option('host', { type: 'string', describe: 'Move it to this host' })
      .option('dry-run', {
        type: 'boolean',
        default: false,
        describe: 'Only say where it would go and why; exit code 3 when there is no host for one of them',
      })
      .option('hosts', {
        ...hostsOption,
        describe: 'With --dry-run of one server: show at most so many hosts',
      })
      .option('if-cluster-version', {
        type: 'number',
        describe: 'Move it only if nothing has changed since the dry run that named this version',
      })
      .option('warm', {
        type: 'boolean',
        describe:
          'Copy while it runs and stop it only for the rest; --no-warm: it is off all the time. Neither: as [mover] default_mode says',
      })
      .option('downtime-budget', {
        type: 'number',
        describe: 'With --warm: stop it when it will be off for at most so many seconds',
      })
      .option('limit', limitOption)
      .option('priority', priorityOption)
      .option('wait', {
        ...waitOption,
        describe: 'Watch it until VERIFY_RESIZE; the exit code says whether it moved',
      })
      .option('timeout', timeoutOption)
      .example('$0 server migrate vm1 --wait', 'move it and watch')
      .example('$0 server migrate vm1 --warm --downtime-budget 10', 'off for about ten seconds, if it can be')
      .example('$0 server migrate vm1 --host compute2', 'move it to a certain host')
      .example('$0 server migrate vm1 --dry-run', 'where would it go, and why not elsewhere?')
      .example('$0 server migrate vm1 vm2 vm3 --dry-run', 'and if they moved one after the other?')
      .example('$0 server migrate explain vm1', 'why did its last move go where it went?'),
  handler: async (options) => {
    const limit = options.limit === undefined ? undefined : rateOf(options.limit);
    const [name = '', ...others] = options.server;
    if (others.length > 0 && !options['dry-run']) {
      throw new CommandFailure(
        ExitCode.usage,
        `One server is moved by a command, but ${options.server.length} were named: ${options.server.join(', ')}.`,
        'Give one command for each. Where they would go, one after the other: add --dry-run.',
      );
    }
    const session = await openSession(options);
    if (options['dry-run']) {
      if (others.length === 0) await dryRunOne(session, name, options);
      else await dryRunMany(session, options.server, options);
      return;
    }
    const id = await findServerId(session, name);
    const answer = await requestMove(session, id, options, limit);
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
    say(`${name} is in VERIFY_RESIZE on ${host ?? 'its new host'}.`);
    say(`Keep it there: drover server migrate confirm ${name}`);
    say(`Take it back:  drover server migrate revert ${name}`);
  },
};

/** Through Compute when Compute can say it, so that it works where only Compute may be used. */
async function requestMove(
  session: Session,
  id: string,
  options: Arguments,
  limit_bytes_per_second: number | undefined,
): Promise<Answer> {
  const host = options.host === undefined ? {} : { host: options.host };
  const if_cluster_version = options['if-cluster-version'];
  const { priority, warm, 'downtime-budget': downtime_budget_seconds } = options;
  const wishes = [limit_bytes_per_second, if_cluster_version, priority, warm, downtime_budget_seconds];
  if (wishes.every((wish) => wish === undefined)) {
    return await session.request('compute', 'POST', `/servers/${id}/action`, { body: { migrate: host } });
  }
  return await session.request('drover', 'POST', '/migrations', {
    body: {
      server: id,
      ...host,
      ...(limit_bytes_per_second === undefined ? {} : { limit_bytes_per_second }),
      ...(if_cluster_version === undefined ? {} : { if_cluster_version }),
      ...(priority === undefined ? {} : { priority }),
      ...(warm === undefined ? {} : { mode: warm ? 'warm' : 'cold' }),
      ...(downtime_budget_seconds === undefined ? {} : { downtime_budget_seconds }),
    },
  });
}

function settleCommand(word: 'confirm' | 'revert', describe: string): Command<Settling> {
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
