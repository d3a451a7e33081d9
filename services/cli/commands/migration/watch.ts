import { setTimeout as delay } from 'node:timers/promises';
import { CommandFailure, ExitCode } from '../../exit-codes.ts';
import { ProgressDisplay } from '../../output/progress-line.ts';
import { record, text } from '../../session/json.ts';
import { progressOf } from '../../wait.ts';
import { openSession, say, type Command } from '../context.ts';
import { findMigration } from './find.ts';

const POLL_MS = 250;
/** A migration that rests: nothing more happens to it by itself (finished waits for a person). */
const resting = new Set(['finished', 'confirmed', 'reverted', 'error', 'cancelled']);

export const watchMigration: Command<{ readonly migration: string }> = {
  command: 'watch <migration>',
  describe: 'Watch a migration until it rests; exit code 3 if it did not move',
  builder: (argv) =>
    argv.positional('migration', {
      type: 'string',
      demandOption: true,
      describe: 'Number or UUID of a migration, or a server (its newest one)',
    }),
  handler: async (options) => {
    const session = await openSession(options);
    const id = text(await findMigration(session, options.migration), 'id');
    const display = new ProgressDisplay(process.stderr);
    for (;;) {
      const migration = record(
        (await session.request('drover', 'GET', `/migrations/${id}`)).body,
        'migration',
      );
      display.show(progressOf(migration));
      const status = text(migration, 'status') ?? '';
      if (resting.has(status)) {
        display.end();
        const reason = text(record(migration, 'reason'), 'message');
        if (status === 'error' || status === 'cancelled') {
          throw new CommandFailure(
            ExitCode.notHappened,
            `The migration is ${status}: ${reason ?? 'no reason'}`,
          );
        }
        say(`${status}: ${text(migration, 'source_host')} → ${text(migration, 'target_host')}`);
        return;
      }
      await delay(POLL_MS);
    }
  },
};
