import { configFileOption } from '../config-file-option.ts';
import { say, type Command } from '../context.ts';

interface Arguments {
  readonly 'config-file': readonly string[];
}

export const databaseCommands: Command = {
  command: 'db',
  describe: 'The database (for operators, on a machine with drover.conf)',
  builder: (argv) => argv.command(migrate).demandCommand(1, 'Say what to do with the database.').strict(),
  handler: () => {},
};

const migrate: Command<Arguments> = {
  command: 'migrate',
  describe: 'Bring the schema up to date; safe to run twice, and from two machines at once',
  builder: (argv) => argv.option('config-file', configFileOption),
  handler: async (options) => {
    // Loaded here only: no other command needs the database's modules, and they take time to load.
    const { loadConfiguration } = await import('../../../../shared/config/configuration.ts');
    const { migrateDatabase } = await import('../../../../shared/database/migrate.ts');
    const configuration = loadConfiguration(options['config-file']);
    const outcome = await migrateDatabase(configuration.database.connection);
    for (const name of outcome.applied) say(`applied ${name}`);
    say(`schema version ${outcome.version}`);
  },
};
