import { existsSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { request } from '../../scripts/cluster/api-session.ts';
import { isAlive, processesOf, waitFor } from '../../scripts/cluster/processes.ts';
import { TestCluster } from './support/cluster.ts';

const cluster = new TestCluster('life');
const other = new TestCluster('other');

beforeAll(() => cluster.up());
afterAll(() => Promise.all([cluster.down(), other.down()]));

interface ComputeService {
  readonly host: string;
  readonly state: string;
  /** In UTC, and does not say so. */
  readonly updated_at: string;
}

/** Names of the hosts whose agents report, in the API's order. @param since and have reported after this time */
async function upHosts(since = 0): Promise<readonly string[]> {
  const session = await cluster.logInAsAdmin();
  const { services } = await request<{ services: ComputeService[] }>(
    session,
    'GET',
    '/compute/v2.1/os-services?binary=nova-compute',
  );
  return services
    .filter(({ state, updated_at }) => state === 'up' && Date.parse(`${updated_at}Z`) > since)
    .map(({ host }) => host);
}

test('up writes what others need to know, readable by its owner alone', () => {
  const { description, folder } = cluster;
  expect(description.hosts.map(({ name, address }) => `${name} ${address}`)).toEqual([
    'compute1 127.0.1.1',
    'compute2 127.0.1.2',
    'compute3 127.0.1.3',
  ]);
  expect(description.processes.api).toHaveLength(1);
  expect(description.processes.scheduler).toHaveLength(1);
  for (const host of description.hosts) expect(existsSync(host.instances_path)).toBe(true);
  for (const file of [
    'openrc',
    'openrc-demo',
    'clouds.yaml',
    'cluster.json',
    'state.json',
    'etc/drover.conf',
  ])
    expect(`${file} ${(statSync(join(folder, file)).mode & 0o777).toString(8)}`).toBe(`${file} 600`);
});

test('agents hold no database credentials', () => {
  for (const { name } of cluster.description.hosts) {
    const configuration = readFileSync(join(cluster.folder, 'etc', `agent-${name}.conf`), 'utf8');
    expect(configuration).not.toContain(cluster.state.secrets.database_password);
    expect(configuration).not.toContain('[database]');
    expect(configuration).toContain(`drover-agent-${name}`);
  }
});

test('hypervisors are listed in the order of the hosts', async () => {
  const { hypervisors } = await request<{ hypervisors: Array<{ hypervisor_hostname: string }> }>(
    await cluster.logInAsAdmin(),
    'GET',
    '/compute/v2.1/os-hypervisors',
  );
  expect(hypervisors.map((one) => one.hypervisor_hostname)).toEqual(['compute1', 'compute2', 'compute3']);
});

test('up again changes nothing', async () => {
  const before = { description: cluster.description, processes: cluster.processes };
  const { stdout } = await cluster.up();
  expect(stdout).toContain('everything was running already');
  expect({ description: cluster.description, processes: cluster.processes }).toEqual(before);
});

test('a second cluster runs beside it', async () => {
  await other.up('--hosts', '2');
  const [session, here] = await Promise.all([other.logInAsAdmin(), cluster.logInAsAdmin()]);
  expect(session.api_url).not.toBe(here.api_url);
  expect(other.description.hosts.map(({ address }) => address)).toEqual(['127.0.1.1', '127.0.1.2']);
  const { hypervisors } = await request<{ hypervisors: unknown[] }>(
    session,
    'GET',
    '/compute/v2.1/os-hypervisors',
  );
  expect(hypervisors).toHaveLength(2);
});

test('more hosts can be added to a running cluster', async () => {
  await other.up('--hosts', '3');
  expect(other.description.hosts.map(({ name }) => name)).toEqual(['compute1', 'compute2', 'compute3']);
});

/** Kills these, starts the cluster again, and expects new processes for them and the old ones for all others. */
async function killAndStart(...names: string[]): Promise<void> {
  const before = cluster.processes;
  for (const name of names) process.kill(before[name]!.pid, 'SIGKILL');
  await waitFor({ name: `${names.join(', ')} to be dead`, timeout_seconds: 10 }, () =>
    names.every((name) => !isAlive(before[name])),
  );
  await cluster.up();
  const started_at = Date.now();
  const after = cluster.processes;
  const changed = Object.keys(after).filter((name) => after[name]!.pid !== before[name]!.pid);
  expect(changed.toSorted()).toEqual(names.toSorted());
  // A host that was heard of before it lost its broker counts as up for a while.
  await waitFor(
    { name: 'all hosts to report again', timeout_seconds: 40 },
    async () => (await upHosts(started_at)).length === 3,
  );
}

test('up restarts a killed api, scheduler, agent and sshd', () =>
  killAndStart('api-1', 'scheduler-1', 'agent-compute2', 'sshd-compute3'));

test('up restarts a killed PostgreSQL with its data', () => killAndStart('postgres'));

test('up restarts a killed RabbitMQ', () => killAndStart('rabbitmq'));

test('down leaves no process, port or folder, and the other cluster alone', async () => {
  const { state, description } = other;
  const records = Object.values(other.processes);
  const outcome = await other.down();
  expect(outcome).toMatchObject({ exit_code: 0, stderr: '' });
  expect(processesOf(state.cluster_id, records)).toEqual([]);
  expect(existsSync(other.folder)).toBe(false);
  const ports = Object.values(state.ports).map((port) => ({ host: '127.0.0.1', port }));
  const sshPorts = description.hosts.map(({ address, ssh_port }) => ({ host: address, port: ssh_port }));
  for (const place of [...ports, ...sshPorts])
    await new Promise<void>((resolve, reject) => {
      const server = createServer();
      server.once('error', reject);
      server.listen(place, () => server.close(() => resolve()));
    });
  expect(await upHosts()).toHaveLength(3);
});

test('down where nothing is says so and succeeds', async () => {
  const outcome = await other.down();
  expect(outcome.exit_code).toBe(0);
  expect(outcome.stdout).toMatch(/^There is no cluster in /);
});
