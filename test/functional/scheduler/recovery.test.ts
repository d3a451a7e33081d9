import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Pool } from '../../../shared/database/connect.ts';
import { hostName, schedulerId, type InstanceId, type OperationId } from '../../../shared/domain/ids.ts';
import { Driver, startOf, type EventOf } from '../../../services/scheduler/drive/driver.ts';
import type { DriveServices } from '../../../services/scheduler/drive/services.ts';
import { HostLists } from '../../../services/scheduler/host-lists.ts';
import { lockAndLoad } from '../../../services/scheduler/drive/world.ts';
import { decideAndCommit } from '../../../services/scheduler/drive/decision.ts';
import { transact } from '../../../services/scheduler/drive/transaction.ts';
import { ProgressWriter } from '../../../services/scheduler/drive/progress.ts';
import { defaultPlacementSettings } from '../../../services/scheduler/placement/settings.ts';
import { Reconciler } from '../../../services/scheduler/reconcile/reconciler.ts';
import { HostSnapshot } from '../../../services/scheduler/snapshot/host-snapshot.ts';
import type { CommandMessage, StepProgress } from '../../../shared/messaging/messages.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import {
  addColdMigration,
  addHost,
  addInstance,
  addOperation,
  goodResults,
  pipelinedPool,
  silent,
} from './support.ts';

/** Drivers and reconcilers on a real database, without a broker: the outbox is read instead. */
let database: TestDatabase;
let pool: Pool;
let instance: InstanceId;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = pipelinedPool(database.url);
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});
beforeEach(async () => {
  await pool.query('truncate instances, hosts, services, claims, outbox, decisions cascade');
  for (const host of ['c1', 'c2']) await addHost(pool, host);
  instance = await addInstance(pool, 'c1');
});
afterEach(() => {
  brokenStatement = null;
});

let brokenStatement: string | null = null;

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

function scheduler(name: string, changes: Partial<DriveServices> = {}) {
  const services: DriveServices = {
    pool: breakingPool(),
    log: silent,
    scheduler_id: schedulerId(name),
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
    placement: defaultPlacementSettings,
    lease_seconds: 15,
    service_down_seconds: 60,
    imageSource: (image) => ({ ...image, url: 'http://api/file', ticket: 'ticket' }),
    snapshot: new HostSnapshot({
      pool,
      service_down_seconds: 60,
      default_availability_zone: 'nova',
      now_seconds: () => performance.now() / 1000,
    }),
    host_lists: new HostLists(pool),
    turnsChanged: () => undefined,
    wakeOutbox: () => undefined,
    ...changes,
  };
  const driver = new Driver(services);
  return { services, driver, reconciler: new Reconciler(services, driver) };
}

async function commands(): Promise<CommandMessage[]> {
  const { rows } = await pool.query<{ message: CommandMessage }>('select message from outbox order by id');
  return rows.map((row) => row.message);
}

async function operationRow(id: OperationId): Promise<Record<string, unknown>> {
  const { rows } = await pool.query<Record<string, unknown>>(
    'select state, step, step_state, attempt, fencing, lease_owner from operations where id = $1',
    [id],
  );
  return rows[0] ?? {};
}

const answer =
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

describe('leases', () => {
  test('the fencing number rises with each change of driver, and commands carry it', async () => {
    const { operation } = await addColdMigration(pool, instance);
    const first = scheduler('first');
    await first.driver.deliver(operation, startOf);
    expect(await operationRow(operation)).toMatchObject({ step: 'survey', fencing: 1, lease_owner: 'first' });
    const second = scheduler('second');
    const [survey] = await commands();
    if (survey === undefined) throw new Error('no command was sent');
    await second.driver.deliver(operation, answer(survey));
    expect(await operationRow(operation)).toMatchObject({ step: 'admit', fencing: 2, lease_owner: 'second' });
    expect((await commands()).map(({ command, fencing }) => [command, fencing])).toEqual([
      ['survey', 1],
      ['admit', 2],
    ]);
  });

  test('a choice that died with its process is made again by who takes the lease over, with one claim', async () => {
    const { operation } = await addColdMigration(pool, instance);
    const dying = scheduler('dying');
    // The order `choose` is committed; then the process dies before it carries it out.
    await transact(pool, async (transaction) => {
      const loaded = await lockAndLoad(transaction, operation, dying.services.imageSource);
      if (loaded === null) throw new Error('no operation');
      await decideAndCommit(dying.services, transaction, loaded, { type: 'requested' });
    });
    expect(await operationRow(operation)).toMatchObject({ step: 'choose', lease_owner: 'dying' });
    const other = scheduler('other');
    await other.reconciler.look();
    expect(await operationRow(operation)).toMatchObject({ step: 'choose', lease_owner: 'dying' });
    await pool.query(`update operations set lease_expires_at = now() - interval '1 second'`);
    await other.reconciler.look();
    expect(await operationRow(operation)).toMatchObject({ step: 'survey', lease_owner: 'other', fencing: 2 });
    const { rows } = await pool.query(
      `select h.name, c.consumer_kind from claims c join hosts h on h.id = c.host_id
       where resource_class = 'VCPU' order by 1`,
    );
    expect(rows).toEqual([
      { name: 'c1', consumer_kind: 'migration' },
      { name: 'c2', consumer_kind: 'instance' },
    ]);
  });

  test('whose driver lives are not taken, and are renewed', async () => {
    const { operation } = await addColdMigration(pool, instance);
    const owner = scheduler('owner');
    await owner.driver.deliver(operation, startOf);
    await pool.query(`update operations set lease_expires_at = now() + interval '1 second'`);
    await owner.reconciler.look();
    const { rows } = await pool.query(
      `select lease_expires_at > now() + interval '10 seconds' as renewed from operations`,
    );
    expect(rows).toEqual([{ renewed: true }]);
    await scheduler('other').reconciler.look();
    expect(await operationRow(operation)).toMatchObject({ lease_owner: 'owner', fencing: 1 });
  });
});

describe('a crash', () => {
  /** Where the process dies: each is a statement of the decision that sends the first command. */
  const places = ['insert into claims', 'insert into decisions', 'insert into outbox', 'commit'];
  test.for(places)(
    'at "%s" leaves neither rows nor messages, and the next try does all of it once',
    async (place) => {
      const { operation } = await addColdMigration(pool, instance);
      const crashing = scheduler('crashing');
      await transact(pool, async (transaction) => {
        const loaded = await lockAndLoad(transaction, operation, crashing.services.imageSource);
        if (loaded === null) throw new Error('no operation');
        await decideAndCommit(crashing.services, transaction, loaded, { type: 'requested' });
      });
      const before = await operationRow(operation);
      await pool.query(`update operations set lease_expires_at = now() - interval '1 second'`);
      brokenStatement = place;
      await crashing.reconciler.look();
      brokenStatement = null;
      expect(await commands()).toEqual([]);
      const { rows } = await pool.query(
        `select (select count(*)::int from decisions) as decisions,
              (select count(*)::int from claims where consumer_kind = 'migration') as handed_over,
              (select count(*)::int from claims c join hosts h on h.id = c.host_id where h.name = 'c2') as on_target`,
      );
      expect(rows).toEqual([{ decisions: 0, handed_over: 0, on_target: 0 }]);
      expect(await operationRow(operation)).toMatchObject({ step: before['step'], step_state: 'ordered' });

      await pool.query(`update operations set lease_expires_at = now() - interval '1 second'`);
      await scheduler('next').reconciler.look();
      expect((await commands()).map(({ command }) => command)).toEqual(['survey']);
      expect(await operationRow(operation)).toMatchObject({ step: 'survey', lease_owner: 'next' });
    },
  );
});

describe('the reconciler', () => {
  test('begins an operation whose wake was lost', async () => {
    const operation = await addOperation(pool, instance, 'stop');
    await pool.query(`update operations set created_at = now() - interval '1 minute'`);
    await scheduler('one').reconciler.look();
    expect((await commands()).map(({ command }) => command)).toEqual(['power_off']);
    expect(await operationRow(operation)).toMatchObject({ step: 'power-off', step_state: 'ordered' });
  });

  test('begins an operation that waited behind one that has ended', async () => {
    const ended = await addOperation(pool, instance, 'stop');
    const waiting = await addOperation(pool, instance, 'delete', { state: 'waiting' });
    await scheduler('one').reconciler.look();
    expect(await operationRow(waiting)).toMatchObject({ state: 'waiting' });
    await pool.query(`update operations set state = 'done' where id = $1`, [ended]);
    await scheduler('one').reconciler.look();
    expect(await operationRow(waiting)).toMatchObject({ state: 'running', step: 'destroy' });
  });

  test('sends a command again whose deadline passed while its host reports', async () => {
    const operation = await addOperation(pool, instance, 'stop');
    const one = scheduler('one');
    await one.driver.deliver(operation, startOf);
    await pool.query(`update operations set deadline_at = now() - interval '1 second'`);
    await scheduler('other').reconciler.look();
    expect(await commands()).toHaveLength(1);
    await one.reconciler.look();
    expect((await commands()).map(({ command, attempt }) => [command, attempt])).toEqual([
      ['power_off', 1],
      ['power_off', 2],
    ]);
  });

  test('hears of a resume that nobody was told of', async () => {
    const operation = await addOperation(pool, instance, 'stop');
    const one = scheduler('one');
    await one.driver.deliver(operation, startOf);
    await pool.query(
      `update operations set state = 'stuck', step_state = 'pending', resume_requested_at = now() where id = $1`,
      [operation],
    );
    await one.reconciler.look();
    const { rows } = await pool.query('select state, resume_requested_at from operations where id = $1', [
      operation,
    ]);
    expect(rows[0]).toMatchObject({ resume_requested_at: null });
    expect(rows[0]).not.toMatchObject({ state: 'stuck' });
  });
});

describe('auto-confirm', () => {
  async function finished(due: string): Promise<string> {
    const { operation, migration } = await addColdMigration(pool, instance);
    await pool.query(`update operations set state = 'done' where id = $1`, [operation]);
    await pool.query(`update instances set vm_state = 'resized', task_state = null`);
    await pool.query(
      `update migrations set status = 'finished', dest_compute = 'c2', dest_node = 'c2', confirm_due_at = now() + $1::interval`,
      [due],
    );
    return migration;
  }

  test('happens when its stored moment has come, once, however many schedulers look', async () => {
    await finished('-1 second');
    await Promise.all(['a', 'b', 'c'].map((name) => scheduler(name).reconciler.look()));
    const { rows } = await pool.query(
      `select o.kind, o.request, m.status, m.confirm_due_at, a.action from operations o
       join migrations m on m.uuid = o.migration_uuid join instance_actions a on a.id = o.action_id
       where o.kind = 'confirm'`,
    );
    expect(rows).toEqual([
      {
        kind: 'confirm',
        request: { automatic: true },
        status: 'confirming',
        confirm_due_at: null,
        action: 'confirmResize',
      },
    ]);
    expect((await commands()).map(({ command }) => command)).toEqual(['check']);
  });

  test('is not kept from its turn by a hundred that were due before and cannot be confirmed', async () => {
    const migration = await finished('-1 second');
    await pool.query(
      `with stuck as (
         insert into instances (uuid, project_id, user_id, name, hostname, reservation_id, flavor, vm_state)
         select gen_random_uuid(), project_id, user_id, name, hostname, reservation_id, flavor, 'error'
         from instances, generate_series(1, 100) where uuid = $1 returning uuid
       )
       insert into migrations (uuid, instance_uuid, migration_type, status, phase, source_compute, source_node,
         old_flavor, new_flavor, old_vm_state, user_id, project_id, request_id, confirm_due_at)
       select gen_random_uuid(), stuck.uuid, 'migration', 'finished', 'verify-resize', source_compute, source_node,
         old_flavor, new_flavor, old_vm_state, user_id, project_id, request_id, now() - interval '1 hour'
       from stuck, migrations where migrations.uuid = $2`,
      [instance, migration],
    );
    await scheduler('one').reconciler.look();
    const { rows } = await pool.query(`select migration_uuid from operations where kind = 'confirm'`);
    expect(rows).toEqual([{ migration_uuid: migration }]);
  });

  test.for([
    ['before its moment', '10 seconds', 'select 1'],
    [
      'while the server is being reverted',
      '-1 second',
      `update instances set task_state = 'resize_reverting'`,
    ],
    ['when somebody confirmed it by hand', '-1 second', `update migrations set status = 'confirming'`],
  ] as const)('does not happen %s', async ([, due, sql]) => {
    await finished(due);
    await pool.query(sql);
    await scheduler('one').reconciler.look();
    const { rows } = await pool.query(`select from operations where kind = 'confirm'`);
    expect(rows).toHaveLength(0);
  });
});

describe('progress', () => {
  const progress = {
    round: 1,
    disk_total_bytes: 1000,
    disk_processed_bytes: 250,
    disk_remaining_bytes: 750,
    sent_bytes: 100,
    skipped_bytes: 150,
    rate_bytes_per_second: 12.5,
    eta_seconds: 60.4,
  };
  const event = (operation_id: OperationId, attempt: number, changes: Partial<StepProgress> = {}) =>
    ({
      type: 'step_progress',
      message_id: 'm',
      request_id: 'req-x',
      sent_at: '',
      host: hostName('c1'),
      operation_id,
      step: 'copy',
      direction: 'action',
      attempt,
      progress,
      ...changes,
    }) as StepProgress;

  test('is written for the step that runs, moves its deadline, and is throttled', async () => {
    const { operation } = await addColdMigration(pool, instance);
    await pool.query(`update operations set step = 'copy', step_state = 'ordered', attempt = 4`);
    const writer = new ProgressWriter(
      pool,
      { stall_timeout_seconds: 60, interval_milliseconds: 400 },
      async () => undefined,
    );
    expect(await writer.take(event(operation, 3), 0)).toBe(false);
    expect(await writer.take(event(operation, 4, { host: hostName('c2') }), 1000)).toBe(false);
    expect(await writer.take(event(operation, 4), 1000)).toBe(true);
    expect(await writer.take(event(operation, 4), 1399)).toBe(false);
    expect(await writer.take(event(operation, 4), 1400)).toBe(true);
    const { rows } = await pool.query(
      `select m.disk_processed_bytes, m.eta_seconds, i.progress, o.deadline_at > now() + interval '50 seconds' as moved
       from operations o join migrations m on m.uuid = o.migration_uuid join instances i on i.uuid = o.instance_uuid`,
    );
    expect(rows).toEqual([{ disk_processed_bytes: 250, eta_seconds: 60, progress: 25, moved: true }]);
  });

  test('of verifying leaves what the copy has sent', async () => {
    const { operation } = await addColdMigration(pool, instance);
    await pool.query(
      `update operations set step = 'verify', step_state = 'ordered', attempt = 5, facts = '{"choose": {"host": "c2"}}'`,
    );
    await pool.query(`update migrations set round = 3, sent_bytes = 700, skipped_bytes = 30`);
    const writer = new ProgressWriter(
      pool,
      { stall_timeout_seconds: 60, interval_milliseconds: 400 },
      async () => undefined,
    );
    expect(await writer.take(event(operation, 5, { step: 'verify', host: hostName('c2') }), 0)).toBe(true);
    const { rows } = await pool.query(
      'select round, sent_bytes, skipped_bytes, disk_processed_bytes from migrations',
    );
    expect(rows).toEqual([{ round: 3, sent_bytes: 700, skipped_bytes: 30, disk_processed_bytes: 250 }]);
  });

  test('of a host that has nothing to count moves the deadline alone', async () => {
    const { operation } = await addColdMigration(pool, instance);
    await pool.query(
      `update operations set step = 'admit', step_state = 'ordered', attempt = 2, deadline_at = now(),
         facts = '{"choose": {"host": "c2"}}'`,
    );
    await pool.query(`update migrations set disk_processed_bytes = 7, updated_at = '2020-01-01'`);
    const writer = new ProgressWriter(
      pool,
      { stall_timeout_seconds: 60, interval_milliseconds: 400 },
      async () => undefined,
    );
    const sign = { step: 'admit', progress: null, host: hostName('c2') };
    expect(await writer.take(event(operation, 1, sign), 0)).toBe(false);
    expect(await writer.take(event(operation, 2, { ...sign, host: hostName('c1') }), 1000)).toBe(false);
    expect(await writer.take(event(operation, 2, sign), 1000)).toBe(true);
    expect(await writer.take(event(operation, 2, { ...sign, progress }), 2000)).toBe(true);
    const { rows } = await pool.query(
      `select m.disk_processed_bytes, m.updated_at = '2020-01-01' as kept,
         o.deadline_at > now() + interval '50 seconds' as moved
       from operations o join migrations m on m.uuid = o.migration_uuid`,
    );
    expect(rows).toEqual([{ disk_processed_bytes: 7, kept: true, moved: true }]);
  });
});
