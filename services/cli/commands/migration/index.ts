import type { Command } from '../context.ts';
import { cancelMigration, pauseMigration, setMigration, unpauseMigration } from './change.ts';
import { planMigrations } from './plan.ts';
import { listMigrations, showMigration } from './show.ts';
import { watchMigration } from './watch.ts';

export const migrationCommands: Command = {
  command: 'migration',
  describe: 'Migrations: list, show, plan, watch, cancel, set, pause, unpause',
  builder: (argv) =>
    argv
      .command(listMigrations)
      .command(showMigration)
      .command(planMigrations)
      .command(watchMigration)
      .command(cancelMigration)
      .command(setMigration)
      .command(pauseMigration)
      .command(unpauseMigration)
      .demandCommand(1, 'Say what to do with migrations.')
      .strict(),
  handler: () => {},
};
