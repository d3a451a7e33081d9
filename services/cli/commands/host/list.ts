import { list, number, record, text, type JsonRecord } from '../../session/json.ts';
import { openSession, printList, type Command } from '../context.ts';

export const listHosts: Command = {
  command: 'list',
  describe: 'List hosts with what they have and what is taken',
  handler: async (options) => {
    const session = await openSession(options);
    const answer = await session.request('drover', 'GET', '/hosts');
    const columns = ['Host', 'State', 'Status', 'Zone', 'Servers', 'VCPUs', 'Memory MB', 'Disk GB', 'Seen'];
    const rows = list(answer.body, 'hosts').map((host) => ({
      Host: text(host, 'name'),
      State: text(host, 'state'),
      Status: text(host, 'status'),
      Zone: text(host, 'availability_zone'),
      Servers: number(host, 'servers'),
      VCPUs: usage(host, 'VCPU'),
      'Memory MB': usage(host, 'MEMORY_MB'),
      'Disk GB': usage(host, 'DISK_GB'),
      Seen: text(host, 'last_seen_at'),
    }));
    printList(columns, rows, options);
  },
};

function usage(host: JsonRecord, resource_class: string): string {
  const inventory = record(host, 'inventories', resource_class);
  return `${number(inventory, 'used') ?? 0}/${number(inventory, 'capacity') ?? 0}`;
}
