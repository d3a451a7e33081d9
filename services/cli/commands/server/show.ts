import type { Cell } from '../../output/format.ts';
import { findServer } from '../../session/find-server.ts';
import type { JsonRecord } from '../../session/json.ts';
import { record, text } from '../../session/json.ts';
import { openSession, printOne, type Command } from '../context.ts';
import { powerWord } from './list.ts';

export const showServer: Command<{ readonly server: string }> = {
  command: 'show <server>',
  describe: 'Show one server',
  builder: (argv) =>
    argv.positional('server', { type: 'string', demandOption: true, describe: 'Name or id' }),
  handler: async (options) => {
    const session = await openSession(options);
    printOne(serverRow(await findServer(session, options.server)), options);
  },
};

/** What a person wants to know of a server, in reading order. */
export function serverRow(server: JsonRecord): Record<string, Cell> {
  return {
    id: text(server, 'id'),
    name: text(server, 'name'),
    status: text(server, 'status'),
    vm_state: text(server, 'OS-EXT-STS:vm_state'),
    task_state: text(server, 'OS-EXT-STS:task_state'),
    power_state: powerWord(server['OS-EXT-STS:power_state']),
    host: text(server, 'OS-EXT-SRV-ATTR:host'),
    availability_zone: text(server, 'OS-EXT-AZ:availability_zone'),
    flavor: text(record(server, 'flavor'), 'original_name'),
    image: text(record(server, 'image'), 'id'),
    addresses: record(server, 'addresses'),
    metadata: record(server, 'metadata'),
    locked: server['locked'] === true,
    fault: text(record(server, 'fault'), 'message'),
    project_id: text(server, 'tenant_id'),
    created: text(server, 'created'),
    updated: text(server, 'updated'),
  };
}
