import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import type { OperationId } from '../../../shared/domain/ids.ts';
import { createTestBroker, type TestBroker } from '../support/broker.ts';
import { startSchedulerProcess, type SchedulerProcess } from './scheduler-process.ts';
import { database, pool, untilValue, useClusterDatabase, wrongBooks } from './cluster-database.ts';
import { addHost } from './rows.ts';
import { FakeAgents } from './fake-agents.ts';

let broker: TestBroker;
export let agents: FakeAgents;
export let schedulers: SchedulerProcess[];
export let configuration: string;
/** The devices of each host. */
export const cards = Array.from({ length: 8 }, (_, slot) => ({
  address: `0000:0${slot}:00.0`,
  vendor_id: '10de',
  product_id: '1eb8',
  device_type: 'type-PCI' as const,
  numa_node: null,
  tags: {},
}));
export const hosts = ['compute1', 'compute2', 'compute3'];

/**
 * Two scheduler processes, as an operator would run them, on one database and one broker. Capacity is scarce on
 * purpose: both want the same places all the time. What must hold is checked while they run and afterwards.
 */
export function useSchedulerPair(): void {
  useClusterDatabase(4);
  beforeAll(async () => {
    broker = await createTestBroker();
    configuration = `[DEFAULT]
transport_url = ${broker.url}
[database]
connection = ${database.url}
max_pool_size = 8
[drover]
verify_event_sender = false
reconcile_interval_seconds = 0.5
lease_seconds = 5
[filter_scheduler]
# Draws among the best: two schedulers then do not only meet at one host.
host_subset_size = 2
enabled_filters = ComputeFilter,ServerGroupAntiAffinityFilter,ServerGroupAffinityFilter,PciPassthroughFilter
[pci]
alias = { "name": "card", "vendor_id": "10de", "product_id": "1eb8" }
`;
    for (const host of hosts) await addHost(pool, host, { pci_devices: cards });
    schedulers = await Promise.all([
      startSchedulerProcess(configuration),
      startSchedulerProcess(configuration),
    ]);
    agents = await FakeAgents.start(broker.url, hosts);
  });
  afterAll(async () => {
    await agents.close();
    const said = schedulers.map((scheduler) => scheduler.output());
    const codes = await Promise.all(schedulers.map((scheduler) => scheduler.close()));
    await broker.release();
    expect(codes).toEqual([0, 0]);
    // Locks are always taken in one order.
    for (const output of said) expect(output).not.toContain('deadlock detected');
  });
  beforeEach(async () => {
    await emptied();
    await pool.query('update host_inventories set used = 0');
    // The agents only answer; that they report is said here.
    await pool.query('update services set last_seen_at = now()');
    agents.commands.length = 0;
    agents.script = () => null;
  });
  afterEach(async () => {
    expect(await wrongBooks(pool)).toEqual([]);
  });
}

/** Row by row: `truncate` locks whole tables, crosswise with the schedulers, who look at them all the time. */
async function emptied(): Promise<void> {
  for (const table of ['instances', 'claims', 'outbox', 'decisions', 'server_groups'])
    await pool.query(`delete from ${table}`);
}

/** So many servers of one VCPU fit on each host; the other classes are ample. */
export async function places(each: number): Promise<void> {
  await pool.query(
    `update host_inventories set total = $1, reserved = 0, allocation_ratio = 1, max_unit = $1
     where resource_class = 'VCPU'`,
    [each],
  );
  await pool.query('update hosts set generation = generation + 1');
}

/** Looks at the books again and again until the work is done: overcommitted for a moment is overcommitted. */
export async function watchBooks<Result>(work: Promise<Result>): Promise<Result> {
  const state = { isDone: false };
  const marked = work.finally(() => {
    state.isDone = true;
  });
  // Its failure is told below, also when the books are found wrong first.
  marked.catch(() => undefined);
  while (!state.isDone) {
    expect(await wrongBooks(pool)).toEqual([]);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return await marked;
}

export const atRest = async (seconds: number) =>
  await untilValue(
    pool,
    `select count(*)::int from operations where state not in ('done', 'unwound')`,
    [],
    0,
    seconds,
  );

export async function wakeAll(operations: readonly OperationId[]): Promise<void> {
  await Promise.all(operations.map((operation) => agents.wake(operation)));
}

export async function counted(sql: string): Promise<Record<string, number>> {
  const { rows } = await pool.query<{ key: string; count: number }>(sql);
  return Object.fromEntries(rows.map(({ key, count }) => [key, count]));
}

/** Which schedulers drove how many operations. */
export const driversSql = `select lease_owner as key, count(*)::int as count from operations group by 1`;
