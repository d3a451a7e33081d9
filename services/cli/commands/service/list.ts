import { list, text } from '../../session/json.ts';
import { openSession, printList, type Command } from '../context.ts';

export const serviceCommands: Command = {
  command: 'service',
  describe: 'The processes that report themselves',
  builder: (argv) => argv.command(listServices).demandCommand(1, 'Say what to do with services.').strict(),
  handler: () => {},
};

const listServices: Command = {
  command: 'list',
  describe: 'List services with their state',
  handler: async (options) => {
    const session = await openSession(options);
    const answer = await session.request('compute', 'GET', '/os-services');
    const columns = ['ID', 'Binary', 'Host', 'Zone', 'Status', 'State', 'Reason', 'Updated At'];
    const rows = list(answer.body, 'services').map((service) => ({
      ID: text(service, 'id'),
      Binary: text(service, 'binary'),
      Host: text(service, 'host'),
      Zone: text(service, 'zone'),
      Status: text(service, 'status'),
      State: text(service, 'state'),
      Reason: text(service, 'disabled_reason'),
      'Updated At': text(service, 'updated_at'),
    }));
    printList(columns, rows, options);
  },
};
