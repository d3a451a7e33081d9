import amqp from 'amqplib';
import { existsSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { hostName } from '../../shared/domain/ids.ts';
import { exchanges, queues } from '../../shared/messaging/topology.ts';
import { socketsFolder } from '../../services/compute-agent/mover/sockets-folder.ts';
import { hostStateFolder } from './configuration-files.ts';
import { removeSharedMemory } from './postgres.ts';
import { endProcess, isAlive, killAllOf, type ProcessRecord } from './processes.ts';
import { loadProcesses, loadState, lockFolder, ownedEntries, type ClusterState } from './state.ts';

const GRACE_SECONDS = 3;

/**
 * Ends every process of the cluster in this folder and removes what `up` made: processes and movers, ports,
 * shared memory, files. Other people's files in the folder stay.
 * @returns whether there was a cluster
 */
export async function stopCluster(folder: string): Promise<boolean> {
  const state = existsSync(folder) ? loadState(folder) : null;
  if (state === null) return false;
  lockFolder(folder);
  const table = loadProcesses(folder);
  const recorded = Object.values(table);
  await endAll(
    Object.entries(table)
      .filter(([name]) => /^(api|scheduler|agent)-/.test(name))
      .map(([, record]) => record),
  );
  if (state.external_transport_url !== null) await removeTopology(state, state.external_transport_url);
  // Its own end leaves no shared memory; a killed PostgreSQL would.
  const { postgres } = table;
  if (isAlive(postgres)) await endProcess(postgres, { signal: 'SIGINT', grace_seconds: 10 });
  await killAllOf(state.cluster_id, recorded);
  await removeSharedMemory(join(folder, 'postgres'), postgres);
  // Where a state folder's path is too long for a socket's, the movers' sockets lie outside of it.
  for (const host of state.hosts)
    rmSync(socketsFolder(hostStateFolder(folder, host.name)), { recursive: true, force: true });
  for (const name of ownedEntries)
    rmSync(join(folder, name), { recursive: true, force: true, maxRetries: 5 });
  if (readdirSync(folder).length === 0) rmdirSync(folder);
  return true;
}

const endAll = (records: readonly ProcessRecord[]) =>
  Promise.all(records.filter(isAlive).map((record) => endProcess(record, { grace_seconds: GRACE_SECONDS })));

/** On a broker that is not ours: our queues and exchanges must not stay there. */
async function removeTopology(state: ClusterState, url: string): Promise<void> {
  const connection = await amqp.connect(url);
  try {
    const channel = await connection.createChannel();
    const agents = state.hosts.map((host) => queues.agent(hostName(host.name)));
    for (const queue of [queues.scheduler, queues.dead, ...agents]) await channel.deleteQueue(queue);
    for (const exchange of Object.values(exchanges)) await channel.deleteExchange(exchange);
    await channel.close();
  } finally {
    await connection.close();
  }
}
