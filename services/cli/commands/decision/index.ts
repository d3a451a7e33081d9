import { findServerId } from '../../session/find-server.ts';
import { list, record, text } from '../../session/json.ts';
import type { Session } from '../../session/session.ts';
import { openSession, printList, type Command, type CommonArguments } from '../context.ts';
import { decisionView, hostsOption, printDecision } from './view.ts';

export const decisionCommands: Command = {
  command: 'decision',
  describe: 'Placement decisions: why this host, and why not the others',
  builder: (argv) =>
    argv
      .command(listDecisions)
      .command(showDecision)
      .demandCommand(1, 'Say what to do with decisions.')
      .strict(),
  handler: () => {},
};

const listDecisions: Command<{ readonly server: string | undefined; readonly limit: number }> = {
  command: 'list',
  describe: 'List decisions, newest first',
  builder: (argv) =>
    argv
      .option('server', { type: 'string', describe: 'Only about this server' })
      .option('limit', { type: 'number', default: 20, describe: 'At most so many' }),
  handler: async (options) => {
    const session = await openSession(options);
    const query = new URLSearchParams({ limit: String(options.limit) });
    if (options.server !== undefined) query.set('server', await findServerId(session, options.server));
    const answer = await session.request('drover', 'GET', `/decisions?${query.toString()}`);
    const rows = list(answer.body, 'decisions').map((decision) => ({
      ID: text(decision, 'id'),
      Kind: text(decision, 'kind'),
      Server: text(decision, 'server_id'),
      Chosen: text(decision, 'chosen_host'),
      Summary: text(decision, 'summary'),
      'Created At': text(decision, 'created_at'),
    }));
    printList(['ID', 'Kind', 'Server', 'Chosen', 'Summary', 'Created At'], rows, options);
  },
};

const showDecision: Command<{ readonly decision: string; readonly hosts: number }> = {
  command: 'show <decision>',
  describe: 'Show one decision: every host with its weight or the reason against it',
  builder: (argv) =>
    argv
      .positional('decision', { type: 'string', demandOption: true, describe: 'UUID of the decision' })
      .option('hosts', hostsOption),
  handler: async (options) => {
    const session = await openSession(options);
    await showDecisionById(session, options.decision, options);
  },
};

/** Prints a stored decision. */
export async function showDecisionById(
  session: Session,
  id: string,
  options: CommonArguments & { readonly hosts: number },
): Promise<void> {
  const path = `/decisions/${encodeURIComponent(id)}?hosts=${options.hosts}`;
  const decision = record((await session.request('drover', 'GET', path)).body, 'decision');
  printDecision(decisionView(decision), decision, options);
}
