import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Pool } from '../../../shared/database/connect.ts';
import type { InstanceId, OperationId } from '../../../shared/domain/ids.ts';
import { createTestBroker, type TestBroker } from '../support/broker.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startSchedulerProcess, type SchedulerProcess } from './scheduler-process.ts';
import {
  addColdMigration,
  addHost,
  addInstance,
  addNewInstance,
  addOperation,
  FakeAgents,
  flavor,
  pipelinedPool,
  untilValue,
  wrongBooks,
} from './support.ts';

/**
 * Two scheduler processes, as an operator would run them, on one database and one broker. Capacity is scarce on
 * purpose: both want the same places all the time. What must hold is checked while they run and afterwards.
 */
let database: TestDatabase;
let pool: Pool;
let broker: TestBroker;
let agents: FakeAgents;
let schedulers: SchedulerProcess[];
let configuration: string;
const cards = Array.from({ length: 8 }, (_, slot) => ({
  address: `0000:0${slot}:00.0`,
  vendor_id: '10de',
  product_id: '1eb8',
  device_type: 'type-PCI' as const,
  numa_node: null,
  tags: {},
}));
const hosts = ['compute1', 'compute2', 'compute3'];

beforeAll(async () => {
  database = await createTestDatabase();
  pool = pipelinedPool(database.url, 4);
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
  await pool.end();
  await database.drop();
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

/** Row by row: `truncate` locks whole tables, crosswise with the schedulers, who look at them all the time. */
async function emptied(): Promise<void> {
  for (const table of ['instances', 'claims', 'outbox', 'decisions', 'server_groups'])
    await pool.query(`delete from ${table}`);
}

/** So many servers of one VCPU fit on each host; the other classes are ample. */
async function places(each: number): Promise<void> {
  await pool.query(
    `update host_inventories set total = $1, reserved = 0, allocation_ratio = 1, max_unit = $1
     where resource_class = 'VCPU'`,
    [each],
  );
  await pool.query('update hosts set generation = generation + 1');
}

/** Looks at the books again and again until the work is done: overcommitted for a moment is overcommitted. */
async function watchBooks<Result>(work: Promise<Result>): Promise<Result> {
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

const atRest = async (seconds: number) =>
  await untilValue(
    pool,
    `select count(*)::int from operations where state not in ('done', 'unwound')`,
    [],
    0,
    seconds,
  );

async function wakeAll(operations: readonly OperationId[]): Promise<void> {
  await Promise.all(operations.map((operation) => agents.wake(operation)));
}

async function counted(sql: string): Promise<Record<string, number>> {
  const { rows } = await pool.query<{ key: string; count: number }>(sql);
  return Object.fromEntries(rows.map(({ key, count }) => [key, count]));
}

const driversSql = `select lease_owner as key, count(*)::int as count from operations group by 1`;

describe('two scheduler processes and scarce capacity', { timeout: 120_000 }, () => {
  test('three hundred creates for ninety places fill them exactly, and the rest are told why', async () => {
    await places(30);
    const operations: OperationId[] = [];
    for (let number = 0; number < 300; number += 1) {
      operations.push(await addOperation(pool, await addNewInstance(pool), 'create'));
    }
    await watchBooks(wakeAll(operations).then(() => atRest(60)));
    expect(await counted('select vm_state as key, count(*)::int as count from instances group by 1')).toEqual(
      {
        active: 90,
        error: 210,
      },
    );
    expect(
      await counted(
        `select host as key, count(*)::int as count from instances where vm_state = 'active' group by 1`,
      ),
    ).toEqual({ compute1: 30, compute2: 30, compute3: 30 });
    const faults = await pool.query<{ message: string }>(
      'select distinct left(message, 25) as message from instance_faults',
    );
    expect(faults.rows).toEqual([{ message: 'No valid host was found. ' }]);
    const events = await pool.query<{ event: string; said: number }>(
      `select e.event, count(*)::int as said from instance_action_events e
       where e.result = 'Error' and e.details like 'No valid host was found. 3 of 3 hosts: %' group by 1`,
    );
    expect(events.rows).toMatchObject([{ event: 'conductor_schedule_and_build_instances' }]);
    // Both took part; else this test would show nothing.
    expect(Object.keys(await counted(driversSql))).toHaveLength(2);
  });

  test('two hundred migrations for a hundred places: half moves, half stays as it was', async () => {
    await places(100);
    const instances: InstanceId[] = [];
    for (const host of ['compute1', 'compute2']) {
      for (let number = 0; number < 100; number += 1) instances.push(await addInstance(pool, host));
    }
    // Only now: the schedulers find an operation without being woken, and its move takes a place from the next instance.
    const operations: OperationId[] = [];
    for (const instance of instances) operations.push((await addColdMigration(pool, instance)).operation);
    await watchBooks(wakeAll(operations).then(() => atRest(90)));
    const statuses = await counted('select status as key, count(*)::int as count from migrations group by 1');
    expect(statuses).toEqual({ error: 100, finished: 100 });
    expect(
      await counted(
        `select vm_state || ' ' || coalesce(task_state, '-') || ' ' || host as key, count(*)::int as count
         from instances where vm_state = 'active' group by 1`,
      ),
    ).toSatisfy((found: Record<string, number>) => {
      const staying = (found['active - compute1'] ?? 0) + (found['active - compute2'] ?? 0);
      return staying === 100 && Object.keys(found).every((key) => /^active - compute[12]$/.test(key));
    });
    // Moved ones hold two places each: one at the target, one for the way back.
    expect(
      await counted(
        `select consumer_kind as key, count(*)::int as count from claims where resource_class = 'VCPU' group by 1`,
      ),
    ).toEqual({ instance: 200, migration: 100 });
    expect(Object.keys(await counted(driversSql))).toHaveLength(2);
  });

  test('a scheduler that is killed in the middle leaves no wrong sum and nothing unfinished', async () => {
    await places(40);
    const operations: OperationId[] = [];
    for (let number = 0; number < 80; number += 1) {
      operations.push(await addOperation(pool, await addNewInstance(pool), 'create'));
    }
    const waking = wakeAll(operations);
    await untilValue(pool, `select count(*) >= 10 from operations where state = 'done'`, [], true);
    const [victim] = schedulers;
    victim?.kill('SIGKILL');
    await waking;
    await watchBooks(atRest(60));
    schedulers[0] = await startSchedulerProcess(configuration);
    expect(await counted('select vm_state as key, count(*)::int as count from instances group by 1')).toEqual(
      {
        active: 80,
      },
    );
  });
});

describe('a scheduler in the middle of claims that it makes together', { timeout: 120_000 }, () => {
  /** Holds the hosts until one scheduler waits for them with a transaction of several claims; then `work`. */
  async function whileItWaits(scheduler: SchedulerProcess, work: () => Promise<void>): Promise<void> {
    const holder = await pool.connect();
    try {
      await holder.query('begin');
      await holder.query('select from hosts order by id for update');
      const operations: OperationId[] = [];
      for (let number = 0; number < 40; number += 1)
        operations.push(await addOperation(pool, await addNewInstance(pool), 'create'));
      await wakeAll(operations);
      await untilValue(
        pool,
        `select count(*) > 0 from pg_stat_activity
         where application_name = $1 and wait_event_type = 'Lock' and query like '%from hosts%for update'`,
        [`drover scheduler ${scheduler.pid}`],
        true,
      );
      await work();
      await holder.query('commit');
    } finally {
      holder.release();
    }
  }
  const active = `select count(*)::int from instances where vm_state = 'active'`;

  test('is killed before the commit: nothing of it is left, and each is made once', async () => {
    await places(40);
    const [victim] = schedulers;
    if (victim === undefined) throw new Error('no scheduler');
    await whileItWaits(victim, async () => {
      victim.kill('SIGKILL');
      await victim.close();
    });
    await watchBooks(atRest(60));
    schedulers[0] = await startSchedulerProcess(configuration);
    expect((await pool.query(active)).rows).toEqual([{ count: 40 }]);
    // One decision and one claim each: what the killed one had begun did not happen.
    expect(
      (await pool.query(`select count(*)::int from decisions where chosen_host is not null`)).rows,
    ).toEqual([{ count: 40 }]);
  });

  test('is frozen with hosts locked: the other one goes on within seconds', async () => {
    await places(60);
    const [victim] = schedulers;
    if (victim === undefined) throw new Error('no scheduler');
    await whileItWaits(victim, async () => {
      victim.kill('SIGSTOP');
      await Promise.resolve();
    });
    try {
      // Its transactions are ended one after the other: each gets the hosts when the one before it has lost them.
      await untilValue(pool, `select count(*) >= 10 from operations where state = 'done'`, [], true, 30);
    } finally {
      victim.kill('SIGCONT');
    }
    await watchBooks(atRest(60));
    expect((await pool.query(active)).rows).toEqual([{ count: 40 }]);
  });
});

describe('server groups under races', { timeout: 120_000 }, () => {
  async function group(policy: string, max_server_per_host: number | null = null): Promise<string> {
    const uuid = randomUUID();
    await pool.query(
      `insert into server_groups (uuid, project_id, user_id, name, policy, max_server_per_host)
       values ($1, 'p', 'u', 'g', $2, $3)`,
      [uuid, policy, max_server_per_host],
    );
    return uuid;
  }

  const perGroupAndHost = `
    select max(c.count)::int as value from (
      select i.server_group_uuid, c.host_id, count(distinct i.uuid) as count
      from instances i join claims c on c.instance_uuid = i.uuid
      group by 1, 2) c`;

  test('anti-affinity: members that are created at once are never together, and one too many is told so', async () => {
    await places(200);
    const operations: OperationId[] = [];
    for (let number = 0; number < 20; number += 1) {
      const uuid = await group('anti-affinity');
      for (let member = 0; member < 4; member += 1) {
        operations.push(await addOperation(pool, await addNewInstance(pool, { group: uuid }), 'create'));
      }
    }
    await watchBooks(wakeAll(operations).then(() => atRest(60)));
    expect((await pool.query(perGroupAndHost)).rows).toEqual([{ value: 1 }]);
    expect(await counted('select vm_state as key, count(*)::int as count from instances group by 1')).toEqual(
      {
        active: 60,
        error: 20,
      },
    );
    const { rows } = await pool.query<{ message: string }>('select message from instance_faults');
    for (const { message } of rows)
      expect(message).toMatch(/^No valid host was found\. .*anti-affinity group/);
  });

  test('anti-affinity holds for members that move at once: each counts at both its hosts', async () => {
    await places(200);
    const operations: OperationId[] = [];
    for (let number = 0; number < 20; number += 1) {
      const uuid = await group('anti-affinity');
      const members = [
        await addInstance(pool, 'compute1', { group: uuid }),
        await addInstance(pool, 'compute2', { group: uuid }),
      ];
      for (const member of members) operations.push((await addColdMigration(pool, member)).operation);
    }
    await watchBooks(wakeAll(operations).then(() => atRest(60)));
    expect((await pool.query(perGroupAndHost)).rows).toEqual([{ value: 1 }]);
    expect(await counted('select status as key, count(*)::int as count from migrations group by 1')).toEqual({
      error: 20,
      finished: 20,
    });
  });

  test('a member of an affinity group cannot move alone, and every record says why', async () => {
    await places(200);
    const uuid = await group('affinity');
    const instance = await addInstance(pool, 'compute1', { group: uuid });
    await addInstance(pool, 'compute1', { group: uuid });
    const { operation } = await addColdMigration(pool, instance);
    await agents.wake(operation);
    await atRest(20);
    const { rows } = await pool.query(
      `select i.vm_state, i.task_state, i.host, m.status, m.reason, f.message as fault, e.details as event,
              d.summary as decision
       from instances i join migrations m on m.instance_uuid = i.uuid
       join decisions d on d.id = m.decision_id join instance_faults f on f.instance_uuid = i.uuid
       join operations o on o.migration_uuid = m.uuid
       join instance_action_events e on e.action_id = o.action_id and e.result = 'Error'`,
    );
    const why =
      'No valid host was found. 2 of 3 hosts: ServerGroupAffinityFilter (holds no member of the affinity group, ' +
      'whose members must stay together on compute1) 2; 1 host: HostSelection (left out by the request: the server ' +
      'is there, or the host refused it) 1';
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows) {
      expect(row).toEqual({
        vm_state: 'active',
        task_state: null,
        host: 'compute1',
        status: 'error',
        reason: why,
        fault: why,
        event: why,
        decision: why,
      });
    }
    expect(agents.commands).toEqual([]);
  });
});

test('a device is given away once, also when both schedulers chose it at the same time', async () => {
  await places(200);
  const withCard = { ...flavor, extra_specs: { 'pci_passthrough:alias': 'card:1' } };
  const operations: OperationId[] = [];
  for (let number = 0; number < 60; number += 1) {
    const instance = await addNewInstance(pool, { flavor: withCard });
    operations.push(await addOperation(pool, instance, 'create'));
  }
  await watchBooks(wakeAll(operations).then(() => atRest(60)));
  const { rows } = await pool.query<{ host_id: number; addresses: string[] }>(
    `select host_id, details->'pci_addresses' as addresses from claims where resource_class = 'VCPU'`,
  );
  const given = rows.flatMap(({ host_id, addresses }) => addresses.map((address) => `${host_id} ${address}`));
  expect(given).toHaveLength(cards.length * hosts.length);
  expect(new Set(given).size).toBe(given.length);
});
