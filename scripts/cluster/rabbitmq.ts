import { execFile } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import amqp from 'amqplib';
import { environmentFor, isAlive, spawnDetached, waitFor, type ProcessRecord } from './processes.ts';
import { brokerDefinitions, type BrokerDefinitions } from './rabbitmq-definitions.ts';

const run = promisify(execFile);
const SERVER = '/usr/lib/rabbitmq/bin/rabbitmq-server';
const CONTROL = '/usr/lib/rabbitmq/bin/rabbitmqctl';

export interface RabbitmqOptions {
  readonly cluster_id: string;
  readonly folder: string;
  readonly log_file: string;
  readonly port: number;
  /** Erlang's distribution: rabbitmqctl comes in here. */
  readonly distribution_port: number;
  /** A port mapper of our own, so that node names of two clusters, or of the machine's own broker, never meet. */
  readonly epmd_port: number;
  readonly cookie: string;
  readonly definitions: BrokerDefinitions;
  readonly on_spawn?: (name: keyof RabbitmqProcesses, record: ProcessRecord) => void;
}

export function brokerUrl(port: number, user: string, password: string, virtual_host = '/'): string {
  return `amqp://${user}:${password}@127.0.0.1:${port}/${encodeURIComponent(virtual_host)}`;
}

function environment(options: RabbitmqOptions): Record<string, string> {
  const { folder } = options;
  return environmentFor(options.cluster_id, {
    HOME: join(folder, 'home'),
    RABBITMQ_NODENAME: `drover-${options.cluster_id}@localhost`,
    RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
    RABBITMQ_NODE_PORT: String(options.port),
    RABBITMQ_DIST_PORT: String(options.distribution_port),
    RABBITMQ_MNESIA_BASE: join(folder, 'data'),
    RABBITMQ_LOG_BASE: join(folder, 'log'),
    RABBITMQ_LOGS: '-',
    RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq.conf'),
    RABBITMQ_CONF_ENV_FILE: join(folder, 'rabbitmq-env.conf'),
    RABBITMQ_ADVANCED_CONFIG_FILE: join(folder, 'advanced.config'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'enabled_plugins'),
    // Loopback for the distribution too; two schedulers are plenty.
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1} +S 2:2',
    ERL_EPMD_ADDRESS: '127.0.0.1',
    ERL_EPMD_PORT: String(options.epmd_port),
    // Makes the start script become Erlang instead of waiting beside it: one process, one pid.
    RUNNING_UNDER_SYSTEMD: 'true',
  });
}

function writeConfiguration(options: RabbitmqOptions): void {
  const { folder } = options;
  for (const name of ['', 'home', 'data', 'log'])
    mkdirSync(join(folder, name), { recursive: true, mode: 0o700 });
  rmSync(join(folder, 'home/.erlang.cookie'), { force: true });
  writeFileSync(join(folder, 'home/.erlang.cookie'), options.cookie, { mode: 0o400 });
  writeFileSync(join(folder, 'enabled_plugins'), '[].\n');
  writeFileSync(join(folder, 'rabbitmq-env.conf'), '');
  writeFileSync(join(folder, 'advanced.config'), '[].\n');
  writeDefinitions(options);
  writeFileSync(
    join(folder, 'rabbitmq.conf'),
    [
      `listeners.tcp.1 = 127.0.0.1:${options.port}`,
      `load_definitions = ${join(folder, 'definitions.json')}`,
      // With definitions of our own no user "guest" is made.
      'vm_memory_high_watermark.absolute = 512MB',
      'disk_free_limit.absolute = 64MB',
      // Quorum queues keep in memory what stands in this log, read or not, until it is full: by default 512 MB.
      'raft.wal_max_size_bytes = 16777216',
      'log.console.level = warning',
      '',
    ].join('\n'),
  );
}

function writeDefinitions(options: RabbitmqOptions): void {
  writeFileSync(
    join(options.folder, 'definitions.json'),
    `${JSON.stringify(brokerDefinitions(options.definitions), null, 2)}\n`,
    { mode: 0o600 },
  );
}

export interface RabbitmqProcesses {
  readonly epmd: ProcessRecord;
  readonly rabbitmq: ProcessRecord;
}

/** Starts what is missing of the broker: its port mapper and itself. @returns when it lets the admin log in. */
export async function startRabbitmq(
  options: RabbitmqOptions,
  running: Partial<RabbitmqProcesses> = {},
): Promise<RabbitmqProcesses> {
  const { folder, log_file } = options;
  const epmdAlive = isAlive(running.epmd);
  const rabbitAlive = isAlive(running.rabbitmq);
  if (!rabbitAlive) writeConfiguration(options);
  const epmd = epmdAlive && running.epmd !== undefined ? running.epmd : await startPortMapper(options);
  const rabbitmq =
    rabbitAlive && running.rabbitmq !== undefined
      ? running.rabbitmq
      : await spawnDetached({
          command: SERVER,
          arguments: [],
          environment: environment(options),
          folder,
          log_file,
          on_spawn: (record) => options.on_spawn?.('rabbitmq', record),
        });
  const { admin } = options.definitions;
  await waitFor(
    {
      name: `RabbitMQ to answer on port ${options.port}`,
      timeout_seconds: 60,
      log_file,
      process: rabbitmq,
    },
    () => answers(brokerUrl(options.port, admin.name, admin.password)),
  );
  return { epmd, rabbitmq };
}

async function startPortMapper(options: RabbitmqOptions): Promise<ProcessRecord> {
  const record = await spawnDetached({
    command: 'epmd',
    arguments: ['-port', String(options.epmd_port), '-address', '127.0.0.1'],
    environment: environmentFor(options.cluster_id),
    folder: options.folder,
    log_file: options.log_file,
    on_spawn: (record) => options.on_spawn?.('epmd', record),
  });
  await waitFor(
    {
      name: "RabbitMQ's port mapper to answer",
      timeout_seconds: 10,
      process: record,
      log_file: options.log_file,
    },
    async () => {
      await run('epmd', ['-port', String(options.epmd_port), '-names'], { env: environment(options) });
      return true;
    },
  );
  return record;
}

/** True when the broker lets this user in. */
export async function answers(url: string): Promise<boolean> {
  const connection = await amqp.connect(url, { timeout: 5000 });
  await connection.close();
  return true;
}

/** Adds users and permissions of new hosts to the running broker. */
export async function importDefinitions(options: RabbitmqOptions): Promise<void> {
  writeDefinitions(options);
  await run(CONTROL, ['import_definitions', join(options.folder, 'definitions.json')], {
    env: environment(options),
  });
}
