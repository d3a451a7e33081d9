import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createTestBroker, type TestBroker } from '../support/broker.ts';
import type { RunningScheduler } from '../../../services/scheduler/scheduler.ts';
import { database, pool, untilValue, useClusterDatabase, wrongBooks } from './cluster-database.ts';
import { FakeAgents, answerTo, goodResults } from './fake-agents.ts';
import { addColdMigration, addHost, addInstance, addOperation } from './rows.ts';
import { startTestScheduler } from './test-scheduler.ts';

/** The whole shell: real database, real broker, a real scheduler; hosts that answer as scripted. */
let broker: TestBroker;
let scheduler: RunningScheduler;
let agents: FakeAgents;
const hosts = ['compute1', 'compute2', 'compute3'];

useClusterDatabase();
beforeAll(async () => {
  broker = await createTestBroker();
  for (const host of hosts) await addHost(pool, host);
  scheduler = await startTestScheduler({ database: database.url, broker: broker.url });
  agents = await FakeAgents.start(broker.url, hosts);
});
afterAll(async () => {
  await agents.close();
  await scheduler.close();
  await broker.release();
});
beforeEach(() => {
  agents.commands.length = 0;
});
afterEach(async () => {
  agents.script = () => null;
  expect(await wrongBooks(pool)).toEqual([]);
});

const stateOf = 'select state from operations where id = $1';
const statusOf = 'select status from migrations where uuid = $1';

async function row(sql: string, ...values: unknown[]): Promise<unknown> {
  return (await pool.query<Record<string, unknown>>(sql, values)).rows[0];
}

async function claimsOf(instance: string): Promise<unknown[]> {
  const { rows } = await pool.query(
    `select h.name as host, c.consumer_kind as consumer from claims c join hosts h on h.id = c.host_id
     where c.instance_uuid = $1 and c.resource_class = 'VCPU' order by 2`,
    [instance],
  );
  return rows;
}

describe('a cold migration', () => {
  test('goes from request to VERIFY_RESIZE, then is confirmed', async () => {
    const instance = await addInstance(pool, 'compute1');
    const { operation, migration } = await addColdMigration(pool, instance);
    await agents.wake(operation);
    await untilValue(pool, stateOf, [operation], 'done');

    expect(
      await row('select host, vm_state, task_state, epoch from instances where uuid = $1', instance),
    ).toEqual({
      host: expect.stringMatching(/^compute[23]$/),
      vm_state: 'resized',
      task_state: null,
      epoch: 2,
    });
    expect(await row('select status, phase from migrations where uuid = $1', migration)).toEqual({
      status: 'finished',
      phase: 'verify-resize',
    });
    expect(await claimsOf(instance)).toEqual([
      { host: expect.stringMatching(/^compute[23]$/), consumer: 'instance' },
      { host: 'compute1', consumer: 'migration' },
    ]);
    const { rows: events } = await pool.query(
      `select e.event, e.result from instance_action_events e join operations o on o.action_id = e.action_id
       where o.id = $1 order by e.id`,
      [operation],
    );
    expect(events).toEqual(
      [
        'conductor_migrate_server',
        'cold_migrate',
        'compute_prep_resize',
        'compute_resize_instance',
        'compute_finish_resize',
      ].map((event) => ({ event, result: 'Success' })),
    );

    await pool.query(`update migrations set status = 'confirming' where uuid = $1`, [migration]);
    const confirm = await addOperation(pool, instance, 'confirm', { migration });
    await agents.wake(confirm);
    await untilValue(pool, stateOf, [confirm], 'done');
    expect(await row(statusOf, migration)).toEqual({ status: 'confirmed' });
    expect(await claimsOf(instance)).toEqual([{ host: expect.anything(), consumer: 'instance' }]);
  });

  test('is reverted: the guest is at home, the books are as before', async () => {
    const instance = await addInstance(pool, 'compute1');
    const { operation, migration } = await addColdMigration(pool, instance, { host: 'compute2' });
    await agents.wake(operation);
    await untilValue(pool, stateOf, [operation], 'done');
    const revert = await addOperation(pool, instance, 'revert', { migration });
    await agents.wake(revert);
    await untilValue(pool, stateOf, [revert], 'done');
    expect(await row('select host, vm_state, epoch from instances where uuid = $1', instance)).toEqual({
      host: 'compute1',
      vm_state: 'active',
      epoch: 3,
    });
    expect(await claimsOf(instance)).toEqual([{ host: 'compute1', consumer: 'instance' }]);
  });

  test('that fails while copying leaves everything as it was, with the reason', async () => {
    agents.script = ({ command }) =>
      command === 'copy'
        ? { code: 'disk_full', message: 'No space left on compute2.', retriable: false }
        : null;
    const instance = await addInstance(pool, 'compute1');
    const { operation, migration } = await addColdMigration(pool, instance);
    await agents.wake(operation);
    await untilValue(pool, stateOf, [operation], 'unwound');
    expect(await row('select host, vm_state, task_state from instances where uuid = $1', instance)).toEqual({
      host: 'compute1',
      vm_state: 'active',
      task_state: null,
    });
    expect(
      await row('select status, reason_code, reason from migrations where uuid = $1', migration),
    ).toEqual({
      status: 'error',
      reason_code: 'disk_full',
      reason: 'No space left on compute2.',
    });
    expect(await claimsOf(instance)).toEqual([{ host: 'compute1', consumer: 'instance' }]);
    expect(agents.commands.map(({ message }) => message.command)).toEqual(
      expect.arrayContaining(['power_on', 'abort_copy', 'unadmit']),
    );
  });

  test('without a valid host leaves the server as it was and keeps the decision', async () => {
    const instance = await addInstance(pool, 'compute1');
    await pool.query(`update services set disabled = true where host in ('compute2', 'compute3')`);
    try {
      const { operation, migration } = await addColdMigration(pool, instance);
      await agents.wake(operation);
      await untilValue(pool, stateOf, [operation], 'unwound');
      expect(
        await row(
          `select m.status, m.reason_code, d.summary = m.reason as explained, i.task_state
           from migrations m join decisions d on d.id = m.decision_id join instances i on i.uuid = m.instance_uuid
           where m.uuid = $1`,
          migration,
        ),
      ).toEqual({ status: 'error', reason_code: 'no_valid_host', explained: true, task_state: null });
    } finally {
      await pool.query(`update services set disabled = false`);
    }
  });

  test('tries another host when the chosen one refuses, and counts the refusal', async () => {
    const refused: string[] = [];
    agents.script = ({ command }, host) => {
      if (command !== 'admit' || refused.length > 0) return null;
      refused.push(host);
      return { code: 'no_space', message: 'no space', retriable: false };
    };
    const instance = await addInstance(pool, 'compute1');
    const { operation } = await addColdMigration(pool, instance);
    await agents.wake(operation);
    await untilValue(pool, stateOf, [operation], 'done');
    expect(refused).toHaveLength(1);
    expect(
      await row('select host = $2 as same from instances where uuid = $1', instance, refused[0]),
    ).toEqual({
      same: false,
    });
    await untilValue(pool, 'select claim_rejections > 0 from hosts where name = $1', [refused[0]], true);
  });
});

describe('events that do not count', () => {
  test('a late and a repeated answer change nothing', async () => {
    const instance = await addInstance(pool, 'compute1');
    const { operation } = await addColdMigration(pool, instance);
    agents.script = ({ command }) => (command === 'connect' ? 'silence' : null);
    await agents.wake(operation);
    await untilValue(pool, 'select step from operations where id = $1', [operation], 'connect');
    const before = await row('select step, attempt, facts from operations where id = $1', operation);
    const survey = agents.commands.find(({ message }) => message.command === 'survey');
    if (survey === undefined) throw new Error('no survey was ordered');
    // The same answer again, one for a try that never was, and one that speaks of the wrong direction.
    const late = answerTo(survey.host, survey.message, { result: goodResults.survey });
    await agents.publish('compute1', late);
    await untilConnectOrdered(operation);
    const connect = agents.commands.find(({ message }) => message.command === 'connect');
    if (connect === undefined) throw new Error('no connect was ordered');
    const answer = answerTo(connect.host, connect.message, { result: {} });
    await agents.publish('compute1', { ...answer, attempt: connect.message.attempt + 1 });
    await agents.publish('compute1', { ...answer, direction: 'undo' });
    await marker();
    expect(await row('select step, attempt, facts from operations where id = $1', operation)).toEqual(before);
    // And the right one still counts, once.
    agents.script = () => null;
    await agents.publish('compute1', answer);
    await agents.publish('compute1', answer);
    await untilValue(pool, stateOf, [operation], 'done');
    expect(agents.commands.filter(({ message }) => message.command === 'stop')).toHaveLength(1);
  });

  async function untilConnectOrdered(operation: string): Promise<void> {
    await untilValue(
      pool,
      `select count(*)::int from operation_steps where operation_id = $1 and step = 'connect'`,
      [operation],
      1,
    );
    await marker();
  }

  /** A whole other operation that was asked for after them: what came before has been handled. */
  async function marker(): Promise<void> {
    const other = await addInstance(pool, 'compute1');
    const operation = await addOperation(pool, other, 'stop');
    await agents.wake(operation);
    await untilValue(pool, stateOf, [operation], 'done');
  }
});

describe('being called back', () => {
  test('a delete waits for the move that it calls back, then takes everything', async () => {
    agents.script = ({ command }) => (command === 'copy' ? 'silence' : null);
    const instance = await addInstance(pool, 'compute1');
    const { operation, migration } = await addColdMigration(pool, instance);
    await agents.wake(operation);
    await untilValue(pool, 'select step from operations where id = $1', [operation], 'copy');
    await pool.query(`update instances set task_state = 'deleting' where uuid = $1`, [instance]);
    const removal = await addOperation(pool, instance, 'delete', { state: 'waiting' });
    await pool.query('update operations set cancel_requested_at = now() where id = $1', [operation]);
    await agents.wake(operation);
    await untilValue(pool, stateOf, [removal], 'done');
    expect(await row('select status, reason_code from migrations where uuid = $1', migration)).toEqual({
      status: 'cancelled',
      reason_code: 'cancelled',
    });
    expect(
      await row('select vm_state, deleted_at is not null as gone from instances where uuid = $1', instance),
    ).toEqual({ vm_state: 'deleted', gone: true });
    expect(await claimsOf(instance)).toEqual([]);
  });

  test('a delete in VERIFY_RESIZE removes the copy on the source too', async () => {
    const instance = await addInstance(pool, 'compute1');
    const { operation } = await addColdMigration(pool, instance, { host: 'compute3' });
    await agents.wake(operation);
    await untilValue(pool, stateOf, [operation], 'done');
    const removal = await addOperation(pool, instance, 'delete');
    await agents.wake(removal);
    await untilValue(pool, stateOf, [removal], 'done');
    expect(agents.commands.map(({ host, message }) => `${message.command} ${host}`)).toEqual(
      expect.arrayContaining(['discard_source compute1', 'destroy compute3']),
    );
    expect(await claimsOf(instance)).toEqual([]);
  });
});
