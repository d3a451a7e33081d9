import { CommandFailure, ExitCode } from '../../exit-codes.ts';
import { parseRate } from '../../output/sizes.ts';
import { record, text } from '../../session/json.ts';
import { openSession, say, type Command } from '../context.ts';
import { findMigration } from './find.ts';

const positional = {
  type: 'string',
  demandOption: true,
  describe: 'Number or UUID of a migration, or a server (its newest one)',
} as const;

export const cancelMigration: Command<{ readonly migration: string }> = {
  command: 'cancel <migration>',
  describe: 'Stop a migration and give the server back as it was',
  builder: (argv) => argv.positional('migration', positional),
  handler: async (options) => {
    const session = await openSession(options);
    const id = text(await findMigration(session, options.migration), 'id');
    const answer = await session.request('drover', 'POST', `/migrations/${id}/cancel`);
    say(text(record(answer.body, 'cancel'), 'effect') ?? 'Cancelling.');
  },
};

export const setMigration: Command<{ readonly migration: string; readonly limit: string }> = {
  command: 'set <migration>',
  describe: 'Change a running migration',
  builder: (argv) =>
    argv.positional('migration', positional).option('limit', {
      type: 'string',
      demandOption: true,
      describe: 'Send no faster than this, e.g. 50MiB/s; 0: no limit',
    }),
  handler: async (options) => {
    let limit: number;
    try {
      limit = parseRate(options.limit);
    } catch (error) {
      throw new CommandFailure(
        ExitCode.usage,
        `--limit: ${error instanceof Error ? error.message : String(error)}.`,
      );
    }
    const session = await openSession(options);
    const id = text(await findMigration(session, options.migration), 'id');
    await session.request('drover', 'PUT', `/migrations/${id}`, { body: { limit_bytes_per_second: limit } });
  },
};
