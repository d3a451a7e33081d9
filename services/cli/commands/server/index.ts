import type { Command } from '../context.ts';
import { createServer } from './create.ts';
import { deleteServer } from './delete.ts';
import { explainServer } from './explain.ts';
import { listServers } from './list.ts';
import { migrateServer } from './migrate.ts';
import { startServer, stopServer } from './power.ts';
import { showServer } from './show.ts';

export const serverCommands: Command = {
  command: 'server',
  describe: 'Servers: list, create, start, stop, migrate, explain',
  builder: (argv) =>
    argv
      .command(listServers)
      .command(showServer)
      .command(createServer)
      .command(deleteServer)
      .command(startServer)
      .command(stopServer)
      .command(migrateServer)
      .command(explainServer)
      .demandCommand(1, 'Say what to do with servers.')
      .strict(),
  handler: () => {},
};
