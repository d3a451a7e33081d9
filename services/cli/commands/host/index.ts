import type { Command } from '../context.ts';
import { explainHost } from './explain.ts';
import { listHosts } from './list.ts';

export const hostCommands: Command = {
  command: 'host',
  describe: 'Compute hosts: list, explain',
  builder: (argv) =>
    argv.command(listHosts).command(explainHost).demandCommand(1, 'Say what to do with hosts.').strict(),
  handler: () => {},
};
