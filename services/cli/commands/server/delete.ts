import { findServerId } from '../../session/find-server.ts';
import { waitForServer } from '../../wait.ts';
import { openSession, type Command } from '../context.ts';
import { timeoutOption, waitOption } from '../wait-options.ts';

interface Arguments {
  readonly server: readonly string[];
  readonly wait: boolean;
  readonly timeout: number;
}

export const deleteServer: Command<Arguments> = {
  command: 'delete <server..>',
  describe: 'Delete servers with their disks',
  builder: (argv) =>
    argv
      .positional('server', { type: 'string', array: true, demandOption: true, describe: 'Names or ids' })
      .option('wait', waitOption)
      .option('timeout', timeoutOption),
  handler: async (options) => {
    const session = await openSession(options);
    // All names are looked up before the first one is deleted: a typing error deletes nothing.
    const ids = await Promise.all(options.server.map((server) => findServerId(session, server)));
    for (const id of ids) {
      const answer = await session.request('compute', 'DELETE', `/servers/${id}`);
      if (!options.wait) continue;
      await waitForServer(session, {
        server_id: id,
        request_id: answer.request_id,
        statuses: [],
        what: 'deletion',
        timeout_seconds: options.timeout,
        watch_migration: false,
      });
    }
  },
};
