import { list, record, text } from '../../session/json.ts';
import { openSession, printList, type Command } from '../context.ts';

interface Arguments {
  readonly 'all-projects': boolean;
  readonly host: string | undefined;
  readonly status: string | undefined;
}

export const listServers: Command<Arguments> = {
  command: 'list',
  describe: 'List servers',
  builder: (argv) =>
    argv
      .option('all-projects', { type: 'boolean', default: false, describe: 'Of all projects (admin)' })
      .option('host', { type: 'string', describe: 'Only those on this host (admin)' })
      .option('status', { type: 'string', describe: 'Only those with this status' }),
  handler: async (options) => {
    const session = await openSession(options);
    const query = new URLSearchParams();
    if (options['all-projects']) query.set('all_tenants', 'True');
    if (options.host !== undefined) query.set('host', options.host);
    if (options.status !== undefined) query.set('status', options.status.toUpperCase());
    const servers = [];
    for (let marker: string | null = ''; marker !== null;) {
      if (marker !== '') query.set('marker', marker);
      const answer = await session.request('compute', 'GET', `/servers/detail?${query.toString()}`);
      const page = list(answer.body, 'servers');
      servers.push(...page);
      const more = list(answer.body, 'servers_links').some((link) => text(link, 'rel') === 'next');
      marker = more ? text(page.at(-1), 'id') : null;
    }
    const columns = ['ID', 'Name', 'Status', 'Task State', 'Power State', 'Host', 'Flavor'];
    const rows = servers.map((server) => ({
      ID: text(server, 'id'),
      Name: text(server, 'name'),
      Status: text(server, 'status'),
      'Task State': text(server, 'OS-EXT-STS:task_state'),
      'Power State': powerWord(server['OS-EXT-STS:power_state']),
      Host: text(server, 'OS-EXT-SRV-ATTR:host'),
      Flavor: text(record(server, 'flavor'), 'original_name'),
    }));
    printList(columns, rows, options);
  },
};

/** Nova's power_state number as the openstack client's word. */
export function powerWord(state: unknown): string {
  const words: Readonly<Record<number, string>> = {
    1: 'Running',
    3: 'Paused',
    4: 'Shutdown',
    6: 'Crashed',
    7: 'Suspended',
  };
  return (typeof state === 'number' ? words[state] : undefined) ?? 'NOSTATE';
}
