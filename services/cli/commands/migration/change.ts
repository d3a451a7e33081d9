import { record, text } from '../../session/json.ts';
import { openSession, say, type Command } from '../context.ts';
import { limitOption, priorityOption, rateOf } from '../rate-option.ts';
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

interface SetArguments {
  readonly migration: string;
  readonly limit: string | undefined;
  readonly priority: number | undefined;
}

export const setMigration: Command<SetArguments> = {
  command: 'set <migration>',
  describe: 'Change the rate or the priority of a migration that moves',
  builder: (argv) =>
    argv
      .positional('migration', positional)
      .option('limit', limitOption)
      .option('priority', priorityOption)
      .check(({ limit, priority }) => {
        if (limit === undefined && priority === undefined)
          throw new Error('Say what to set: --limit, --priority.');
        return true;
      }),
  handler: async (options) => {
    const { priority } = options;
    const body = {
      ...(options.limit === undefined ? {} : { limit_bytes_per_second: rateOf(options.limit) }),
      ...(priority === undefined ? {} : { priority }),
    };
    const session = await openSession(options);
    const id = text(await findMigration(session, options.migration), 'id');
    await session.request('drover', 'PUT', `/migrations/${id}`, { body });
  },
};

export const pauseMigration = standCommand(
  'pause',
  'Let a migration stand still: in the queue, before its guest is stopped, or while it copies',
);
export const unpauseMigration = standCommand('unpause', 'Let a paused migration go on where it stands');

function standCommand(word: 'pause' | 'unpause', describe: string): Command<{ readonly migration: string }> {
  return {
    command: `${word} <migration>`,
    describe,
    builder: (argv) => argv.positional('migration', positional),
    handler: async (options) => {
      const session = await openSession(options);
      const id = text(await findMigration(session, options.migration), 'id');
      const answer = await session.request('drover', 'POST', `/migrations/${id}/${word}`);
      say(text(record(answer.body, word), 'effect') ?? 'Done.');
    },
  };
}
