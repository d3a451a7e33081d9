import amqp from 'amqplib';
import { join } from 'node:path';
import { connectDatabase, type Pool } from '../../shared/database/connect.ts';
import { migrateDatabase } from '../../shared/database/migrate.ts';
import { hostName } from '../../shared/domain/ids.ts';
import { declareAgentQueue, declareTopology } from '../../shared/messaging/declare-topology.ts';
import { agentUser } from '../../shared/messaging/topology.ts';
import type { Cluster } from './cluster.ts';
import { imagesFolder } from './configuration-files.ts';
import { ensureDatabase, postgresUrl, startPostgres } from './postgres.ts';
import { isAlive, waitFor } from './processes.ts';
import { answers, brokerUrl, importDefinitions, startRabbitmq, type RabbitmqOptions } from './rabbitmq.ts';
import { seedImages } from './seed-images.ts';
import { seedWorld } from './seed-world.ts';
import { clusterPaths, type ClusterState } from './state.ts';

const DATABASE = 'drover';
const BROKER_ADMIN = 'drover';

export function databaseUrl(state: ClusterState): string {
  const password = state.secrets.database_password;
  return state.external_database_url ?? postgresUrl({ port: state.ports.database, password }, DATABASE);
}

export function transportUrl(state: ClusterState): string {
  return (
    state.external_transport_url ?? brokerUrl(state.ports.broker, BROKER_ADMIN, state.secrets.broker_password)
  );
}

/** With the agent's own user; on a broker that was given to us, with the one user that we know. */
export function agentTransportUrl(state: ClusterState, host: string): string {
  const password = state.hosts.find((one) => one.name === host)?.broker_password ?? '';
  return state.external_transport_url ?? brokerUrl(state.ports.broker, agentUser(hostName(host)), password);
}

/** PostgreSQL, the schema and the world. @returns a pool, for the caller to end. */
export async function startDatabase(cluster: Cluster): Promise<Pool> {
  const { state } = cluster;
  if (state.external_database_url === null) {
    const options = {
      cluster_id: state.cluster_id,
      folder: join(cluster.folder, 'postgres'),
      log_file: join(clusterPaths(cluster.folder).logs, 'postgres.log'),
      port: state.ports.database,
      password: state.secrets.database_password,
      durable: true,
    };
    await cluster.keep('postgres', (on_spawn) => startPostgres({ ...options, on_spawn }));
    await ensureDatabase(postgresUrl(options, 'postgres'), DATABASE);
  }
  await migrateDatabase(databaseUrl(state));
  const pool = connectDatabase(
    { connection: databaseUrl(state), max_pool_size: 4, application_name: 'drover-up' },
    () => undefined,
  );
  try {
    await seedWorld(pool, state.world, cluster.urls.api_url);
    await seedImages(pool, state.world, imagesFolder(cluster.folder));
    return pool;
  } catch (error) {
    await pool.end();
    throw error;
  }
}

function rabbitmqOptions(cluster: Cluster): RabbitmqOptions {
  const { state, folder } = cluster;
  return {
    cluster_id: state.cluster_id,
    folder: join(folder, 'rabbitmq'),
    log_file: join(clusterPaths(folder).logs, 'rabbitmq.log'),
    port: state.ports.broker,
    distribution_port: state.ports.distribution,
    epmd_port: state.ports.epmd,
    cookie: state.secrets.cookie,
    definitions: {
      virtual_hosts: ['/'],
      admin: { name: BROKER_ADMIN, password: state.secrets.broker_password },
      agents: state.hosts.map((host) => ({ host: host.name, password: host.broker_password })),
    },
    on_spawn: (name, record) => cluster.record(name, record),
  };
}

/**
 * RabbitMQ with its users, exchanges and queues. The queues are made here already, because an agent may not
 * declare its own and would have to wait for the scheduler to do it.
 */
export async function startBroker(cluster: Cluster): Promise<void> {
  const { state } = cluster;
  if (state.external_transport_url === null) await startPrivateBroker(cluster);
  const connection = await amqp.connect(transportUrl(state));
  try {
    const channel = await connection.createChannel();
    await declareTopology(channel);
    for (const host of state.hosts) await declareAgentQueue(channel, hostName(host.name));
    await channel.close();
  } finally {
    await connection.close();
  }
}

async function startPrivateBroker(cluster: Cluster): Promise<void> {
  const { state, table } = cluster;
  const options = rabbitmqOptions(cluster);
  const wasRunning = isAlive(table['rabbitmq']);
  if (!wasRunning) cluster.say('starting RabbitMQ');
  await startRabbitmq(options, {
    ...(table['epmd'] === undefined ? {} : { epmd: table['epmd'] }),
    ...(table['rabbitmq'] === undefined ? {} : { rabbitmq: table['rabbitmq'] }),
  });
  const newest = state.hosts.at(-1);
  if (!wasRunning || newest === undefined || !cluster.has_new_hosts) return;
  cluster.say("adding the new hosts' users to RabbitMQ");
  await importDefinitions(options);
  await waitFor({ name: `RabbitMQ to know the user of ${newest.name}`, timeout_seconds: 15 }, () =>
    answers(agentTransportUrl(state, newest.name)),
  );
}
