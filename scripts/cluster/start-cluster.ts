import { rmSync, readFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Pool } from '../../shared/database/connect.ts';
import { NODE_FLAGS } from '../../shared/process/node-flags.ts';
import { writeAccessFiles } from './access-files.ts';
import { Cluster } from './cluster.ts';
import { writeClusterDescription, type ClusterDescription } from './cluster-json.ts';
import {
  agentConfigurationFile,
  authorizedKeysFile,
  controlConfigurationFile,
  hostFolder,
  writeAgentConfiguration,
  writeControlConfiguration,
} from './configuration-files.ts';
import type { StartOptions } from './new-state.ts';
import { endProcess, environmentFor, isAlive, spawnDetached, waitFor } from './processes.ts';
import { seedZones } from './seed-world.ts';
import { startSshd } from './sshd.ts';
import { agentTransportUrl, startBroker, startDatabase } from './start-servers.ts';
import { clusterPaths, type HostState } from './state.ts';

const root = join(import.meta.dirname, '../..');

export interface StartOutcome {
  readonly description: ClusterDescription;
  /** Processes that were not running. 0: everything was there already. */
  readonly started: number;
}

/**
 * Starts a cluster, or what of it is missing, and returns when it serves: the api answers, every host has
 * reported itself, the world's images are there.
 * @throws Error naming what did not come up, with the end of its log
 */
export async function startCluster(
  options: StartOptions,
  say: (line: string) => void,
): Promise<StartOutcome> {
  const cluster = await Cluster.open(options, say);
  const { state, folder, urls } = cluster;
  writeAccessFiles(folder, state.world, urls.api_url);
  writeControlConfiguration(folder, state, urls);
  for (const host of state.hosts)
    writeAgentConfiguration(folder, state, host, agentTransportUrl(state, host.name));
  if (cluster.has_new_settings) await endServices(cluster);

  const database = startDatabase(cluster);
  const broker = startBroker(cluster);
  const daemons = Promise.all(state.hosts.map((host) => keepSshd(cluster, host)));
  // All three are waited for below; until then a failure of one must not count as unhandled.
  for (const pending of [database, broker, daemons]) pending.catch(() => undefined);
  const pool = await database;
  try {
    // The api does not need the broker to answer, so its start overlaps with RabbitMQ's.
    const api = keepApi(cluster);
    api.catch(() => undefined);
    await broker;
    await Promise.all([keepSchedulers(cluster), daemons]);
    await keepAgents(cluster, pool);
    await api;
    await seedZones(pool, state.world);
  } finally {
    await pool.end();
  }
  const description = writeClusterDescription(folder, state, urls, cluster.table);
  rmSync(join(folder, 'lock'), { force: true });
  return { description, started: cluster.started };
}

/** Changed settings reach only processes that start with them. */
async function endServices(cluster: Cluster): Promise<void> {
  const services = Object.entries(cluster.table).filter(
    ([name, record]) => /^(api|scheduler|agent)-/.test(name) && isAlive(record),
  );
  await Promise.all(services.map(([, record]) => endProcess(record, { grace_seconds: 10 })));
}

interface ServiceStart {
  readonly name: string;
  readonly program: string;
  readonly configuration: string;
}

/** Starts one of our own programs. It says itself, by its ready file, when it serves. */
async function keepService(cluster: Cluster, service: ServiceStart): Promise<void> {
  const { folder, state } = cluster;
  const ready = join(clusterPaths(folder).ready, `${service.name}.json`);
  const log_file = join(clusterPaths(folder).logs, `${service.name}.log`);
  await cluster.keep(service.name, async (on_spawn) => {
    rmSync(ready, { force: true });
    const record = await spawnDetached({
      command: process.execPath,
      arguments: [
        ...NODE_FLAGS,
        join(root, service.program),
        '--config-file',
        service.configuration,
        '--ready-file',
        ready,
      ],
      environment: environmentFor(state.cluster_id),
      folder: root,
      log_file,
      on_spawn,
    });
    await waitFor(
      { name: `${service.name} to be ready`, timeout_seconds: 30, log_file, process: record },
      () =>
        existsSync(ready) && (JSON.parse(readFileSync(ready, 'utf8')) as { pid: number }).pid === record.pid,
    );
    return record;
  });
}

function keepApi(cluster: Cluster): Promise<void> {
  return keepService(cluster, {
    name: 'api-1',
    program: 'services/api/main.ts',
    configuration: controlConfigurationFile(cluster.folder),
  });
}

async function keepSchedulers(cluster: Cluster): Promise<void> {
  const numbers = Array.from({ length: cluster.state.schedulers }, (_, index) => index + 1);
  await Promise.all(
    numbers.map((number) =>
      keepService(cluster, {
        name: `scheduler-${number}`,
        program: 'services/scheduler/main.ts',
        configuration: controlConfigurationFile(cluster.folder),
      }),
    ),
  );
}

function keepSshd(cluster: Cluster, host: HostState): Promise<void> {
  const { folder, state } = cluster;
  return cluster.keep(`sshd-${host.name}`, (on_spawn) =>
    startSshd({
      cluster_id: state.cluster_id,
      host,
      folder: hostFolder(folder, host.name),
      authorized_keys_file: authorizedKeysFile(folder, host.name),
      log_file: join(clusterPaths(folder).logs, `sshd-${host.name}.log`),
      on_spawn,
    }),
  );
}

async function isRegistered(pool: Pool, host: HostState): Promise<boolean> {
  const found = await pool.query('select from hosts where name = $1', [host.name]);
  return found.rowCount === 1;
}

/** New hosts one after the other, because lists of hosts follow the order in which they registered; known ones together. */
async function keepAgents(cluster: Cluster, pool: Pool): Promise<void> {
  const keepAgent = async (host: HostState) => {
    await keepService(cluster, {
      name: `agent-${host.name}`,
      program: 'services/compute-agent/main.ts',
      configuration: agentConfigurationFile(cluster.folder, host.name),
    });
    await waitFor({ name: `${host.name} to register`, timeout_seconds: 30 }, () => isRegistered(pool, host));
  };
  const known: HostState[] = [];
  const fresh: HostState[] = [];
  for (const host of cluster.state.hosts) ((await isRegistered(pool, host)) ? known : fresh).push(host);
  await Promise.all(known.map(keepAgent));
  for (const host of fresh) await keepAgent(host);
}
