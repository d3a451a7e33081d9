import { afterEach, beforeEach, vi } from 'vitest';
import type { ConfigurationOverrides } from '../../../shared/config/configuration.ts';
import type { Pool } from '../../../shared/database/connect.ts';
import type { OperationId } from '../../../shared/domain/ids.ts';
import type { CommandMessage } from '../../../shared/messaging/messages.ts';
import type { RunningScheduler } from '../../../services/scheduler/scheduler.ts';
import { createTestBroker, type TestBroker } from '../support/broker.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { pipelinedPool } from './cluster-database.ts';
import { addColdMigration, addHost, addInstance } from './rows.ts';
import { answerTo, FakeAgents, goodResults } from './fake-agents.ts';
import { startTestScheduler } from './test-scheduler.ts';

export const hosts = ['compute1', 'compute2', 'compute3'];
let database: TestDatabase;
let broker: TestBroker;
let schedulers: RunningScheduler[];
export let pool: Pool;
export let agents: FakeAgents;

/** Copies that hosts were asked for and have not answered, oldest first. */
export let copying: Array<{ readonly host: string; readonly message: CommandMessage }>;

/** Hosts whose copies end only when the test says so, with a database and a broker of their own for each test. */
export function useHeldCopies(): void {
  beforeEach(async () => {
    database = await createTestDatabase();
    pool = pipelinedPool(database.url, 4);
    broker = await createTestBroker();
    for (const host of hosts) await addHost(pool, host);
    schedulers = [];
    copying = [];
  });
  afterEach(async () => {
    await agents.close();
    await Promise.all(schedulers.map((scheduler) => scheduler.close()));
    await broker.release();
    await pool.end();
    await database.drop();
  });
}

/** Starts so many schedulers. */
export async function start(count: number, overrides: ConfigurationOverrides): Promise<void> {
  const urls = { database: database.url, broker: broker.url };
  for (let index = 0; index < count; index += 1) schedulers.push(await startTestScheduler(urls, overrides));
  agents = await FakeAgents.start(broker.url, hosts);
  agents.script = (message, host) => {
    if (message.command !== 'copy') return null;
    copying.push({ host, message });
    return 'silence';
  };
}

/** The oldest copy that a host was asked for, when it has heard of it. */
export async function heardCopy(isMeant: (operation: OperationId) => boolean = () => true) {
  return await vi.waitFor(
    () => {
      const found = copying.find(({ message }) => isMeant(message.operation_id));
      if (found === undefined) throw new Error('no host was asked to copy');
      return found;
    },
    { timeout: 20_000, interval: 5 },
  );
}

/** Lets the oldest copy end well. */
export async function endCopy(isMeant?: (operation: OperationId) => boolean): Promise<void> {
  const next = await heardCopy(isMeant);
  copying = copying.filter((copy) => copy !== next);
  await agents.publish(next.host, answerTo(next.host, next.message, { result: goodResults.copy }));
}

/** A migration away from a host, asked for by a project. Wakes nobody. */
export async function ask(
  host: string,
  set: { project?: string; priority?: number } = {},
): Promise<OperationId> {
  const instance = await addInstance(pool, host);
  const { operation } = await addColdMigration(pool, instance);
  await pool.query(
    'update operations set project_id = coalesce($2, project_id), priority = $3 where id = $1',
    [operation, set.project ?? null, set.priority ?? 0],
  );
  return operation;
}
