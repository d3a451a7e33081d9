import { describe, expect, test, vi } from 'vitest';
import type { InstanceId, OperationId } from '../../../shared/domain/ids.ts';
import { startSchedulerProcess, type SchedulerProcess } from './scheduler-process.ts';
import {
  atRest,
  cards,
  configuration,
  counted,
  driversSql,
  hosts,
  places,
  schedulers,
  useSchedulerPair,
  wakeAll,
  watchBooks,
} from './scheduler-pair.ts';
import { beginPatiently, pool, untilValue } from './cluster-database.ts';
import { addColdMigration, addInstance, addNewInstance, addOperation, flavor } from './rows.ts';

useSchedulerPair();

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
  /**
   * Holds the hosts until a scheduler waits for them with a transaction of several claims; then `work` with that one.
   * Which one it is, is chance: schedulers find operations by themselves, and one may have found them all.
   */
  async function whileOneWaits(
    work: (waiting: SchedulerProcess, place: number) => Promise<void> | void,
  ): Promise<void> {
    const holder = await pool.connect();
    let failure: Error | undefined;
    try {
      await beginPatiently(holder);
      await holder.query('select from hosts order by id for update');
      const operations: OperationId[] = [];
      for (let number = 0; number < 40; number += 1)
        operations.push(await addOperation(pool, await addNewInstance(pool), 'create'));
      await wakeAll(operations);
      const name = await vi.waitUntil(async () => (await pool.query(waitingSql)).rows[0]?.name, {
        timeout: 20_000,
        interval: 5,
      });
      const place = schedulers.findIndex(({ pid }) => name === `drover scheduler ${pid}`);
      const waiting = schedulers[place];
      if (waiting === undefined) throw new Error(`no scheduler of ours is called ${name}`);
      await work(waiting, place);
      await holder.query('commit');
    } catch (error) {
      failure = error as Error;
      throw error;
    } finally {
      // After a failure with its locks: the next test is not to wait for them.
      holder.release(failure);
    }
  }
  const waitingSql = `
    select application_name as name from pg_stat_activity
    where datname = current_database() and application_name like 'drover scheduler %'
      and wait_event_type = 'Lock' and query like '%from hosts%for update' limit 1`;
  const active = `select count(*)::int from instances where vm_state = 'active'`;

  test('is killed before the commit: nothing of it is left, and each is made once', async () => {
    await places(40);
    await whileOneWaits(async (victim, place) => {
      victim.kill('SIGKILL');
      await victim.close();
      schedulers[place] = await startSchedulerProcess(configuration);
    });
    await watchBooks(atRest(60));
    expect((await pool.query(active)).rows).toEqual([{ count: 40 }]);
    // One decision and one claim each: what the killed one had begun did not happen.
    expect(
      (await pool.query(`select count(*)::int from decisions where chosen_host is not null`)).rows,
    ).toEqual([{ count: 40 }]);
  });

  test('is frozen with hosts locked: the other one goes on within seconds', async () => {
    await places(60);
    let victim: SchedulerProcess | undefined;
    await whileOneWaits((waiting) => {
      victim = waiting;
      victim.kill('SIGSTOP');
    });
    try {
      // The transaction that has them is ended; the others of this process have given up by then.
      await untilValue(pool, `select count(*) >= 10 from operations where state = 'done'`, [], true, 30);
    } finally {
      victim?.kill('SIGCONT');
    }
    await watchBooks(atRest(60));
    expect((await pool.query(active)).rows).toEqual([{ count: 40 }]);
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
