import amqp from 'amqplib';
import pg from 'pg';
import { agentUser, exchanges, queues } from '../../../shared/messaging/topology.ts';
import { hostName } from '../../../shared/domain/ids.ts';

/**
 * Names of exchanges and queues are fixed, so test files that run side by side need virtual hosts of their own.
 * Making one takes rabbitmqctl seconds: the private broker of servers.ts is born with these.
 */
export const testVirtualHosts: readonly string[] = Array.from(
  { length: 16 },
  (_, index) => `test-${index + 1}`,
);

/** Agents' users that the private broker is born with, with the rights of real ones in every virtual host. */
export const testAgents: ReadonlyArray<{ readonly host: string; readonly password: string }> = [
  'compute1',
  'compute2',
  'compute3',
].map((host) => ({ host, password: `${host}-secret` }));

/** First key of the advisory locks that say which virtual host is taken; the second is its number. */
const VIRTUAL_HOST_LOCK = 4403;

export interface TestBroker {
  /** Connects as the administrator, in a virtual host that no other test uses now. */
  readonly url: string;
  /** Connects as the agent's own user of `compute1` … `compute3`. */
  agentUrl(host: string): string;
  /** Removes Drover's queues and exchanges and gives the virtual host back. */
  release(): Promise<void>;
}

function urlOf(virtual_host: string, user?: { readonly name: string; readonly password: string }): string {
  const given = process.env['DROVER_TRANSPORT_URL'];
  if (given === undefined)
    throw new Error('DROVER_TRANSPORT_URL is not set: run this in the functional project');
  const url = new URL(given);
  url.pathname = `/${encodeURIComponent(virtual_host)}`;
  if (user !== undefined) {
    url.username = user.name;
    url.password = user.password;
  }
  return url.href;
}

/**
 * Takes a virtual host for one test file and empties it. Who holds one holds an advisory lock in PostgreSQL,
 * so a test that crashes gives it back. On a broker without our virtual hosts the tests share `/`, one after the other.
 */
export async function createTestBroker(): Promise<TestBroker> {
  const locks = new pg.Client({ connectionString: process.env['DROVER_DATABASE_URL'] });
  await locks.connect();
  try {
    const virtual_host = await takeVirtualHost(locks);
    const url = urlOf(virtual_host);
    await removeTopology(url);
    return {
      url,
      agentUrl(host) {
        const agent = testAgents.find((one) => one.host === host);
        if (agent === undefined) throw new Error(`no test agent user for host "${host}"`);
        return urlOf(virtual_host, { name: agentUser(hostName(host)), password: agent.password });
      },
      async release() {
        try {
          await removeTopology(url);
        } finally {
          await locks.end();
        }
      },
    };
  } catch (error) {
    await locks.end();
    throw error;
  }
}

async function takeVirtualHost(locks: pg.Client): Promise<string> {
  for (const [index, name] of testVirtualHosts.entries()) {
    const taken = await locks.query<{ free: boolean }>('select pg_try_advisory_lock($1, $2) as free', [
      VIRTUAL_HOST_LOCK,
      index + 1,
    ]);
    if (taken.rows[0]?.free !== true) continue;
    if (await exists(name)) return name;
    break;
  }
  await locks.query('select pg_advisory_lock($1, 0)', [VIRTUAL_HOST_LOCK]);
  return '/';
}

async function exists(virtual_host: string): Promise<boolean> {
  try {
    const connection = await amqp.connect(urlOf(virtual_host));
    await connection.close();
    return true;
  } catch {
    return false;
  }
}

const hosts = testAgents.map(({ host }) => hostName(host));

/** Deleting what does not exist succeeds in AMQP, so this asks nothing first. */
async function removeTopology(url: string): Promise<void> {
  const connection = await amqp.connect(url);
  try {
    const channel = await connection.createChannel();
    for (const queue of [queues.scheduler, queues.dead, ...hosts.map((host) => queues.agent(host))])
      await channel.deleteQueue(queue);
    for (const exchange of Object.values(exchanges)) await channel.deleteExchange(exchange);
    await channel.close();
  } finally {
    await connection.close();
  }
}
