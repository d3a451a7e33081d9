import { CommandFailure, ExitCode } from '../../exit-codes.ts';
import { findServer } from '../../session/find-server.ts';
import { list, number, text, texts, type JsonRecord } from '../../session/json.ts';
import type { Session } from '../../session/session.ts';
import { printList, say, type CommonArguments } from '../context.ts';
import { decisionView, printDecision } from '../decision/view.ts';

export interface DryRunOptions extends CommonArguments {
  readonly hosts: number;
  readonly host: string | undefined;
}

interface Asked {
  readonly name: string;
  readonly id: string;
  readonly host: string | null;
}

/** Says where one server would go, host by host. @throws CommandFailure (notHappened) when there is no host for it. */
export async function dryRunOne(session: Session, server: string, options: DryRunOptions): Promise<void> {
  const { servers, decisions, version } = await ask(session, [server], options);
  const [decision = {}] = decisions;
  const view = decisionView(decision);
  printDecision(view, { cluster_version: version, ...decision }, options);
  const name = servers[0]?.name ?? server;
  if (view.chosen_host === null) {
    throw new CommandFailure(ExitCode.notHappened, `${name} would stay where it is: ${view.summary}`);
  }
  say('Nothing was moved. To do it, only if the cluster is still the same:');
  say(`  drover server migrate ${name} --host ${view.chosen_host} --if-cluster-version ${version}`);
}

/**
 * Says where several servers would go, one after the other, each on what those before it left.
 * @throws CommandFailure (notHappened) when there is no host for one of them; (refused) when two names are one server's.
 */
export async function dryRunMany(
  session: Session,
  names: readonly string[],
  options: Omit<DryRunOptions, 'hosts'>,
): Promise<void> {
  // The reason of the choice is all that is shown of the hosts.
  const { servers, decisions, version } = await ask(session, names, { ...options, hosts: 1 });
  const rows = servers.map((server, index) => {
    const decision = decisions[index] ?? {};
    const chosen = text(decision, 'chosen_host');
    return {
      Server: server.name,
      From: server.host,
      To: chosen,
      Alternates: texts(decision, 'alternates').join(', '),
      Reason: chosen === null ? text(decision, 'summary') : whyChosen(decision),
    };
  });
  printList(['Server', 'From', 'To', 'Alternates', 'Reason'], rows, options);
  const homeless = rows.filter((row) => row.To === null).map((row) => row.Server);
  if (homeless.length > 0) {
    throw new CommandFailure(
      ExitCode.notHappened,
      `No host for ${homeless.length} of ${rows.length} servers: ${homeless.join(', ')}.`,
      `Nothing was moved. Host by host, for it alone: drover server migrate ${homeless[0]} --dry-run${
        options.host === undefined ? '' : ` --host ${options.host}`
      }`,
    );
  }
  say(`Nothing was moved. The plan holds for cluster version ${version}.`);
}

function whyChosen(decision: JsonRecord): string | null {
  return text(
    list(decision, 'hosts').find((host) => text(host, 'verdict') === 'chosen'),
    'reason',
  );
}

async function ask(
  session: Session,
  names: readonly string[],
  options: DryRunOptions,
): Promise<{
  readonly servers: readonly Asked[];
  readonly decisions: readonly JsonRecord[];
  readonly version: number;
}> {
  const servers = await Promise.all(names.map((name) => asked(session, name)));
  for (const [index, { name, id }] of servers.entries()) {
    const before = servers.slice(0, index).find((server) => server.id === id);
    if (before === undefined) continue;
    throw new CommandFailure(ExitCode.refused, `The same server was named twice: ${before.name}, ${name}.`);
  }
  const { body } = await session.request('drover', 'POST', `/decisions?hosts=${options.hosts}`, {
    body: {
      servers: servers.map(({ id }) => (options.host === undefined ? { id } : { id, host: options.host })),
    },
  });
  return { servers, decisions: list(body, 'decisions'), version: number(body, 'cluster_version') ?? 0 };
}

async function asked(session: Session, name: string): Promise<Asked> {
  const server = await findServer(session, name);
  return { name, id: text(server, 'id') ?? name, host: text(server, 'OS-EXT-SRV-ATTR:host') };
}
