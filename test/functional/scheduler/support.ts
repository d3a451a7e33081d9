import { randomBytes, randomUUID } from 'node:crypto';
import { loadConfiguration, type ConfigurationOverrides } from '../../../shared/config/configuration.ts';
import { connectDatabase, type Pool } from '../../../shared/database/connect.ts';
import {
  hostName,
  instanceId,
  migrationId,
  operationId,
  type HostName,
  type InstanceId,
  type MigrationId,
  type OperationId,
} from '../../../shared/domain/ids.ts';
import type { FlavorSpec } from '../../../shared/domain/instance-spec.ts';
import { resourcesOfFlavor } from '../../../shared/domain/resources.ts';
import type { OperationKind } from '../../../shared/domain/states.ts';
import { createLogger } from '../../../shared/logging/logger.ts';
import { connectBroker, type BrokerConnection } from '../../../shared/messaging/connection.ts';
import { startConsumer, type Consumer } from '../../../shared/messaging/consumer.ts';
import type { CommandName, CommandResults } from '../../../shared/messaging/commands.ts';
import type { HostReport } from '../../../shared/messaging/host-report.ts';
import type { CommandMessage } from '../../../shared/messaging/messages.ts';
import { openPublisher, type Publisher } from '../../../shared/messaging/publisher.ts';
import { exchanges, queues, routingKeys } from '../../../shared/messaging/topology.ts';
import { claim } from '../../../services/scheduler/claims/claim.ts';
import { transact } from '../../../services/scheduler/drive/transaction.ts';
import { ingestReport } from '../../../services/scheduler/hosts/ingest-report.ts';
import { startScheduler, type RunningScheduler } from '../../../services/scheduler/scheduler.ts';

export const silent = createLogger({
  process_name: 'test',
  level: (process.env['DROVER_TEST_LOG'] as 'info' | undefined) ?? 'silent',
});

export const initialRatios = { vcpu: 16, memory_mb: 1.5, disk_gb: 1 };

export const flavor: FlavorSpec = {
  id: 1,
  flavor_id: '42',
  name: 'm1.nano',
  vcpus: 1,
  memory_mb: 128,
  root_gb: 1,
  ephemeral_gb: 0,
  swap_mb: 0,
  rxtx_factor: 1,
  is_public: true,
  disabled: false,
  description: null,
  extra_specs: {},
};

export function reportOf(host: string, changes: Partial<HostReport> = {}): HostReport {
  return {
    host: hostName(host),
    hypervisor_hostname: host,
    hypervisor_type: 'fake',
    hypervisor_version: 1_000_000,
    address: '127.0.1.1',
    agent_version: '0.1.0',
    boot_id: 'boot-1',
    sequence: 1,
    inventory: { vcpus: 64, memory_mb: 65_536, local_gb: 1024, disk_available_bytes: 2 ** 40 },
    reserved: { vcpus: 0, memory_mb: 512, disk_gb: 0 },
    allocation_ratios: { vcpu: null, memory_mb: null, disk_gb: null },
    supported_instances: [['x86_64', 'fake', 'hvm']],
    cpu_info: {},
    uptime: 'up 1 day',
    guests: [],
    ...changes,
  };
}

export async function addHost(
  pool: Pool,
  host: string,
  changes: Partial<HostReport> = {},
): Promise<HostName> {
  await ingestReport(pool, reportOf(host, changes), initialRatios);
  return hostName(host);
}

const projectId = randomBytes(16).toString('hex');
const userId = randomBytes(16).toString('hex');

/** An active instance with its claim, as a finished create leaves it. */
export async function addInstance(
  pool: Pool,
  host: string,
  options: { readonly flavor?: FlavorSpec; readonly group?: string } = {},
): Promise<InstanceId> {
  const id = instanceId(randomUUID());
  const spec = options.flavor ?? flavor;
  await pool.query(
    `insert into instances (uuid, project_id, user_id, name, hostname, reservation_id, flavor, host, node, epoch,
       vm_state, power_state, launched_at, server_group_uuid)
     values ($1, $2, $3, 'guest', 'guest', 'r-12345678', $4, $5, $5, 1, 'active', 1, now(), $6)`,
    [id, projectId, userId, JSON.stringify(spec), host, options.group ?? null],
  );
  await transact(pool, async (transaction) => {
    const outcome = await claim(
      transaction,
      {
        host: hostName(host),
        instance_id: id,
        move: null,
        amounts: resourcesOfFlavor(spec),
        details: null,
        server_group_uuid: null,
        is_known_up: true,
      },
      60,
    );
    if (!outcome.claimed) throw new Error(`no claim on ${host}: ${outcome.refusal.message}`);
    await transaction.finish([outcome.written]);
  });
  return id;
}

/** An instance as the api leaves a create: building, nowhere yet. */
export async function addNewInstance(
  pool: Pool,
  options: { readonly flavor?: FlavorSpec; readonly group?: string } = {},
): Promise<InstanceId> {
  const id = instanceId(randomUUID());
  await pool.query(
    `insert into instances (uuid, project_id, user_id, name, hostname, reservation_id, flavor, vm_state, task_state,
       server_group_uuid)
     values ($1, $2, $3, 'guest', 'guest', 'r-12345678', $4, 'building', 'scheduling', $5)`,
    [id, projectId, userId, JSON.stringify(options.flavor ?? flavor), options.group ?? null],
  );
  return id;
}

/** Rows as the api writes them for one request; `wake` is left to the caller. */
export async function addOperation(
  pool: Pool,
  instance: InstanceId,
  kind: OperationKind,
  options: {
    readonly migration?: MigrationId;
    readonly state?: 'running' | 'waiting';
    readonly request?: object;
  } = {},
): Promise<OperationId> {
  const id = operationId(randomUUID());
  await pool.query(
    `with action as (
       insert into instance_actions (instance_uuid, action, request_id, user_id, project_id)
       values ($2, $3, $4, $5, $6) returning id)
     insert into operations (id, kind, instance_uuid, migration_uuid, action_id, request_id, user_id, project_id,
       state, request)
     select $1, $3, $2, $7, action.id, $4, $5, $6, $8, $9 from action`,
    [
      id,
      instance,
      kind,
      `req-${randomUUID()}`,
      userId,
      projectId,
      options.migration ?? null,
      options.state ?? 'running',
      JSON.stringify(options.request ?? {}),
    ],
  );
  return id;
}

/** A requested cold migration. */
export async function addColdMigration(
  pool: Pool,
  instance: InstanceId,
  request: { readonly host?: string } = {},
): Promise<{ operation: OperationId; migration: MigrationId }> {
  const migration = migrationId(randomUUID());
  await pool.query(
    `insert into migrations (uuid, instance_uuid, migration_type, status, phase, source_compute, source_node,
       old_flavor, new_flavor, old_vm_state, user_id, project_id, request_id)
     select $1, uuid, 'migration', 'pre-migrating', 'choose', host, node, flavor, flavor, vm_state, user_id,
       project_id, 'req-test' from instances where uuid = $2`,
    [migration, instance],
  );
  await pool.query(`update instances set task_state = 'resize_prep' where uuid = $1`, [instance]);
  const operation = await addOperation(pool, instance, 'cold', { migration, request });
  return { operation, migration };
}

export const digests = [
  { name: 'disk', algorithm: 'sha256-tree', digest: 'ab'.repeat(64), size_bytes: 1 },
] as const;
const disks = [
  {
    name: 'disk',
    format: 'raw',
    virtual_size_bytes: 1,
    file_size_bytes: 1,
    allocated_bytes: 1,
    backing: null,
  },
] as const;

/** What a host that does everything right answers. */
export const goodResults: { readonly [Name in CommandName]: CommandResults[Name] } = {
  spawn: { power_state: 1 },
  destroy: {},
  power_on: { power_state: 1 },
  power_off: { power_state: 4 },
  reboot: { power_state: 1 },
  survey: { disks, power_state: 1, public_key: 'ssh-ed25519 AAAA', source_address: '127.0.1.1' },
  admit: {
    endpoint: { address: '127.0.1.2', port: 22, user: 'root', host_keys: ['ssh-ed25519 AAAA'] },
  },
  unadmit: {},
  connect: {},
  stop: { was_running: true, forced: false },
  precopy: { rounds: [], predicted_downtime_seconds: 1, ended: 'fits_budget' },
  copy: {
    digests,
    sent_bytes: 1,
    skipped_bytes: 0,
    duration_seconds: 0.01,
    resent_bytes: 0,
    rounds: 1,
  },
  abort_copy: {},
  limit: {},
  pause_copy: {},
  verify: { digests },
  prepare: {},
  extract: { size_bytes: 1, sha512: 'ab'.repeat(64), held_seconds: 0 },
  upload: {},
  discard_extract: {},
  retire: {},
  unretire: {},
  adopt: { power_state: 1 },
  unadopt: {},
  check: { power_state: 1 },
  discard_source: {},
  withdraw: { was_running: true },
  unwithdraw: { power_state: 1 },
  restore: { power_state: 1 },
  unrestore: {},
  discard_target: {},
};

export type Answer =
  | { readonly result: CommandResults[CommandName] }
  | { readonly code: string; readonly message: string; readonly retriable: boolean }
  | 'silence';
/** Null: the good answer. */
export type Script = (command: CommandMessage, host: string) => Answer | null;

/** Hosts that answer every command at once, or as the script says. */
export class FakeAgents {
  readonly commands: Array<{ readonly host: string; readonly message: CommandMessage }> = [];
  readonly #broker: BrokerConnection;
  readonly #publisher: Publisher;
  readonly #consumers: Consumer[];
  script: Script = () => null;

  constructor(broker: BrokerConnection, hosts: readonly string[]) {
    this.#broker = broker;
    this.#publisher = openPublisher(broker, { purpose: 'fake agents' });
    this.#consumers = hosts.map((host) =>
      startConsumer(broker, {
        queue: queues.agent(hostName(host)),
        prefetch: 100,
        handler: async ({ body }) => this.#handle(host, body as CommandMessage),
      }),
    );
  }

  static async start(url: string, hosts: readonly string[]): Promise<FakeAgents> {
    return new FakeAgents(await connectBroker({ url, name: 'fake agents', log: silent }), hosts);
  }

  async publish(host: string, event: object): Promise<void> {
    await this.#publisher.publish({
      exchange: exchanges.events,
      routing_key: routingKeys.agentEvent(hostName(host)),
      body: event,
    });
  }

  async wake(operation: OperationId): Promise<void> {
    await this.#publisher.publish({
      exchange: exchanges.events,
      routing_key: routingKeys.wake,
      body: { type: 'wake', message_id: randomUUID(), request_id: 'req-test', operation_id: operation },
    });
  }

  async close(): Promise<void> {
    for (const consumer of this.#consumers) await consumer.close();
    await this.#publisher.close();
    await this.#broker.close();
  }

  async #handle(host: string, message: CommandMessage): Promise<void> {
    this.commands.push({ host, message });
    const answer = this.script(message, host) ?? { result: goodResults[message.command] };
    if (answer === 'silence') return;
    await this.publish(host, answerTo(host, message, answer));
  }
}

/** The event by which a host answers a command. */
export function answerTo(host: string, message: CommandMessage, answer: Exclude<Answer, 'silence'>): object {
  const { request_id, operation_id, step, direction, attempt, command } = message;
  return {
    message_id: randomUUID(),
    sent_at: new Date().toISOString(),
    host,
    request_id,
    operation_id,
    step,
    direction,
    attempt,
    command,
    ...('result' in answer
      ? { type: 'step_done', summary: 'done', result: answer.result }
      : { type: 'step_failed', ...answer }),
  };
}

/** A real scheduler on the test's own database and virtual host. */
export async function startTestScheduler(
  urls: { readonly database: string; readonly broker: string },
  overrides: ConfigurationOverrides = {},
): Promise<RunningScheduler> {
  const configuration = loadConfiguration([], {
    overrides: {
      ...overrides,
      DEFAULT: { transport_url: urls.broker, ...overrides.DEFAULT },
      database: { connection: urls.database },
      drover: { verify_event_sender: false, reconcile_interval_seconds: 0.2, ...overrides.drover },
    },
  });
  return await startScheduler(configuration, silent);
}

/** Waits until a query's single value is as wanted; fails with what it was last. Level-triggered. */
export async function untilValue(
  pool: Pool,
  sql: string,
  values: readonly unknown[],
  wanted: unknown,
  seconds = 20,
): Promise<void> {
  const end = performance.now() + seconds * 1000;
  for (;;) {
    const { rows } = await pool.query<Record<string, unknown>>(sql, [...values]);
    const found = Object.values(rows[0] ?? {})[0];
    if (found === wanted) return;
    if (performance.now() > end)
      throw new Error(`waited ${seconds} s for ${String(wanted)}, found ${String(found)}: ${sql}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Claims whose sum is not `used`, and inventories above their limit: must always be empty. */
export async function wrongBooks(pool: Pool): Promise<unknown[]> {
  const { rows } = await pool.query(
    `select h.name, n.resource_class, n.used, coalesce(c.claimed, 0) as claimed
     from host_inventories n join hosts h on h.id = n.host_id
     left join (select host_id, resource_class, sum(amount)::bigint as claimed from claims group by 1, 2) c
       on c.host_id = n.host_id and c.resource_class = n.resource_class
     where n.used <> coalesce(c.claimed, 0) or n.used > floor((n.total - n.reserved) * n.allocation_ratio)`,
  );
  return rows;
}

/** A pool as the scheduler's own: statements of one connection do not wait for each other's answers. */
export function pipelinedPool(database_url: string, max_pool_size: number = 8): Pool {
  return connectDatabase(
    { connection: database_url, max_pool_size, application_name: 'drover-test-scheduler', pipeline: true },
    () => undefined,
  );
}
