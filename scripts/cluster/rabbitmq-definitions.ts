import { createHash, randomBytes } from 'node:crypto';
import { hostName } from '../../shared/domain/ids.ts';
import { agentUser, exchanges, queues, routingKeys } from '../../shared/messaging/topology.ts';

export interface BrokerUser {
  readonly name: string;
  readonly password: string;
}

export interface BrokerDefinitions {
  readonly virtual_hosts: readonly string[];
  readonly admin: BrokerUser;
  /** One user per host's agent: may declare nothing, read its own queue, publish under its own routing key. */
  readonly agents: ReadonlyArray<{ readonly host: string; readonly password: string }>;
}

/** RabbitMQ's salted SHA-256: four random bytes, then the digest of these and the password. */
function passwordHash(password: string): string {
  const salt = randomBytes(4);
  const digest = createHash('sha256').update(salt).update(password, 'utf8').digest();
  return Buffer.concat([salt, digest]).toString('base64');
}

const user = ({ name, password }: BrokerUser, tags: string) => ({
  name,
  tags,
  password_hash: passwordHash(password),
  hashing_algorithm: 'rabbit_password_hashing_sha256',
  limits: {},
});

/** A name as a regular expression that matches it alone. */
const exactly = (name: string) => `^${name.replaceAll(/[^A-Za-z0-9_-]/g, String.raw`\$&`)}$`;

/**
 * The file that RabbitMQ loads at its start: users and permissions, all at once. rabbitmqctl would take
 * seconds for each.
 */
export function brokerDefinitions(definitions: BrokerDefinitions): object {
  const { virtual_hosts, admin, agents } = definitions;
  return {
    vhosts: virtual_hosts.map((name) => ({ name })),
    users: [
      user(admin, 'administrator'),
      ...agents.map(({ host, password }) => user({ name: agentUser(hostName(host)), password }, '')),
    ],
    permissions: virtual_hosts.flatMap((vhost) => [
      { user: admin.name, vhost, configure: '.*', write: '.*', read: '.*' },
      ...agents.map(({ host }) => ({
        user: agentUser(hostName(host)),
        vhost,
        configure: '^$',
        write: exactly(exchanges.events),
        read: exactly(queues.agent(hostName(host))),
      })),
    ]),
    topic_permissions: virtual_hosts.flatMap((vhost) =>
      agents.map(({ host }) => ({
        user: agentUser(hostName(host)),
        vhost,
        exchange: exchanges.events,
        write: exactly(routingKeys.agentEvent(hostName(host))),
        read: '^$',
      })),
    ),
  };
}
