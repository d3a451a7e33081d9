import { afterEach, beforeEach } from 'vitest';
import type { Pool } from '../../../shared/database/connect.ts';
import { hostName, type InstanceId, type OperationId } from '../../../shared/domain/ids.ts';
import { Driver, type EventOf } from '../../../services/scheduler/drive/driver.ts';
import type { DriveServices } from '../../../services/scheduler/drive/services.ts';
import { Reconciler } from '../../../services/scheduler/reconcile/reconciler.ts';
import type { CommandMessage } from '../../../shared/messaging/messages.ts';
import { pool, useClusterDatabase } from './cluster-database.ts';
import { addHost, addInstance } from './rows.ts';
import { goodResults } from './fake-agents.ts';
import { driveServices } from './drive-services.ts';

/** Drivers and reconcilers on a real database, without a broker: the outbox is read instead. */
export let instance: InstanceId;

/** Two hosts before each test, and an instance on the first. */
export function useDrivers(): void {
  useClusterDatabase();
  beforeEach(async () => {
    await pool.query('truncate instances, hosts, services, claims, outbox, decisions cascade');
    for (const host of ['c1', 'c2']) await addHost(pool, host);
    instance = await addInstance(pool, 'c1');
  });
  afterEach(() => {
    brokenStatement = null;
  });
}

let brokenStatement: string | null = null;

/** From now on transactions break at the statement that holds this text; null: no longer. */
export function breakAt(statement: string | null): void {
  brokenStatement = statement;
}

/** A pool whose transactions break at the statement that holds this text: the connection dies there. */
function breakingPool(): Pool {
  const connect = async () => {
    const client = await pool.connect();
    const query = client.query.bind(client);
    return new Proxy(client, {
      get(target, name): unknown {
        if (name !== 'query') return Reflect.get(target, name) as unknown;
        return (statement: string | { text: string }, ...rest: unknown[]) => {
          const text = typeof statement === 'string' ? statement : statement.text;
          if (brokenStatement !== null && text.includes(brokenStatement))
            throw new Error('the process was killed');
          return (query as (...given: unknown[]) => unknown)(statement, ...rest);
        };
      },
    });
  };
  return new Proxy(pool, {
    get: (target, name): unknown => {
      if (name === 'connect') return connect;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? (value as (...given: unknown[]) => unknown).bind(target) : value;
    },
  });
}

/** A scheduler of this name, as far as it drives operations. */
export function scheduler(name: string, changes: Partial<DriveServices> = {}) {
  const services = driveServices(name, {
    pool: breakingPool(),
    settings: {
      shutdown_timeout_seconds: 60,
      resize_confirm_window_seconds: 0,
      migration_limit_bytes_per_second: 0,
      downtime_budget_seconds: 30,
      key_lifetime_seconds: 60,
      command_timeout_seconds: 30,
      stall_timeout_seconds: 60,
      max_attempts_per_step: 3,
      max_recoveries_per_step: 5,
      max_choices: 3,
      transfer_limits: { per_source: 0, per_target: 0, in_cluster: 0 },
    },
    ...changes,
  });
  const driver = new Driver(services);
  return { services, driver, reconciler: new Reconciler(services, driver) };
}

/** What hosts were told, oldest first. */
export async function commands(): Promise<CommandMessage[]> {
  const { rows } = await pool.query<{ message: CommandMessage }>('select message from outbox order by id');
  return rows.map((row) => row.message);
}

export async function operationRow(id: OperationId): Promise<Record<string, unknown>> {
  const { rows } = await pool.query<Record<string, unknown>>(
    'select state, step, step_state, attempt, fencing, lease_owner from operations where id = $1',
    [id],
  );
  return rows[0] ?? {};
}

/** The event by which c1 says that it has done this. */
export const answer =
  (command: CommandMessage): EventOf =>
  () => ({
    type: 'step_done',
    step: command.step,
    direction: command.direction,
    attempt: command.attempt,
    command: command.command,
    summary: 'done',
    result: goodResults[command.command],
    host: hostName('c1'),
  });
