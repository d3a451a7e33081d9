import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ConfigurationOverrides } from '../../../shared/config/configuration.ts';
import type { Pool } from '../../../shared/database/connect.ts';
import type { OperationId } from '../../../shared/domain/ids.ts';
import type { CommandMessage } from '../../../shared/messaging/messages.ts';
import type { RunningScheduler } from '../../../services/scheduler/scheduler.ts';
import { readClusterVersion } from '../../../services/scheduler/snapshot/cluster-version.ts';
import { createTestBroker, type TestBroker } from '../support/broker.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import {
  addColdMigration,
  addHost,
  addInstance,
  answerTo,
  FakeAgents,
  goodResults,
  pipelinedPool,
  startTestScheduler,
  untilValue,
} from './support.ts';

const hosts = ['compute1', 'compute2', 'compute3'];
let database: TestDatabase;
let pool: Pool;
let broker: TestBroker;
let agents: FakeAgents;
let schedulers: RunningScheduler[];
/** Copies that hosts were asked for and have not answered, oldest first. */
let copying: Array<{ readonly host: string; readonly message: CommandMessage }>;

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

async function start(count: number, overrides: ConfigurationOverrides): Promise<void> {
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
async function heardCopy(isMeant: (operation: OperationId) => boolean = () => true) {
  return await vi.waitFor(
    () => {
      const found = copying.find(({ message }) => isMeant(message.operation_id));
      if (found === undefined) throw new Error('no host was asked to copy');
      return found;
    },
    { timeout: 20_000, interval: 5 },
  );
}

async function endCopy(isMeant?: (operation: OperationId) => boolean): Promise<void> {
  const next = await heardCopy(isMeant);
  copying = copying.filter((copy) => copy !== next);
  await agents.publish(next.host, answerTo(next.host, next.message, { result: goodResults.copy }));
}

/** A migration away from a host, asked for by a project. Wakes nobody. */
async function ask(host: string, set: { project?: string; priority?: number } = {}): Promise<OperationId> {
  const instance = await addInstance(pool, host);
  const { operation } = await addColdMigration(pool, instance);
  await pool.query(
    'update operations set project_id = coalesce($2, project_id), priority = $3 where id = $1',
    [operation, set.project ?? null, set.priority ?? 0],
  );
  return operation;
}

const turnOf = 'select turn from operations where id = $1';
/** Of one that is at no step: how it ended, so that a wait in vain tells why. */
const stepOf =
  "select coalesce(step, concat_ws(' ', state, reason_code, reason)) as step from operations where id = $1";

describe('with two schedulers', () => {
  test('no limit is ever exceeded, all are used, and everybody gets a turn', async () => {
    const mover = { max_transfers_per_source: 2, max_transfers_per_target: 2, max_transfers: 4 };
    await start(2, { mover });
    const operations: OperationId[] = [];
    for (let index = 0; index < 24; index += 1) operations.push(await ask(hosts[index % 3] ?? 'compute1'));
    await Promise.all(operations.map((operation) => agents.wake(operation)));
    const most = { leaving: 0, arriving: 0, in_cluster: 0 };
    const end = performance.now() + 30_000;
    for (let done = 0; done < operations.length;) {
      const { rows } = await pool.query<typeof most & { done: number }>(
        `with held as (select m.source_compute as source, m.dest_compute as target
           from operations o join migrations m on m.uuid = o.migration_uuid where o.turn = 'held')
         select (select coalesce(max(n), 0) from (select count(*)::int as n from held group by source) s) as leaving,
                (select coalesce(max(n), 0) from (select count(*)::int as n from held group by target) t) as arriving,
                (select count(*)::int from held) as in_cluster,
                (select count(*)::int from operations where state = 'done') as done`,
      );
      const [seen] = rows;
      if (seen === undefined) throw new Error('the rows could not be counted');
      for (const name of ['leaving', 'arriving', 'in_cluster'] as const)
        most[name] = Math.max(most[name], seen[name]);
      ({ done } = seen);
      // One ends for each look, so that turns change hands while both schedulers look for the next.
      if (copying.length > 0) await endCopy();
      if (performance.now() > end) throw new Error(`only ${done} of ${operations.length} ended in 30 s`);
    }
    expect(most).toEqual({ leaving: 2, arriving: 2, in_cluster: 4 });
    const { rows } = await pool.query(`select count(*)::int as left from operations where turn is not null`);
    expect(rows).toEqual([{ left: 0 }]);
  });
});

describe('the order', () => {
  test('is by priority, then project by project, then as asked for', async () => {
    await start(1, { mover: { max_transfers_per_source: 1 } });
    const first = await ask('compute1', { project: 'one' });
    await agents.wake(first);
    await untilValue(pool, stepOf, [first], 'copy');
    const names = new Map<OperationId, string>();
    for (const [name, set] of [
      ['one a', { project: 'one' }],
      ['one b', { project: 'one' }],
      ['one c', { project: 'one' }],
      ['two a', { project: 'two' }],
      ['two b', { project: 'two' }],
      ['urgent', { project: 'one', priority: 5 }],
    ] as const) {
      const operation = await ask('compute1', set);
      names.set(operation, name);
      await agents.wake(operation);
      await untilValue(pool, turnOf, [operation], 'waiting');
    }
    // Whoever is asked of another source does not wait behind them.
    const elsewhere = await ask('compute2', { project: 'one' });
    await agents.wake(elsewhere);
    await untilValue(pool, turnOf, [elsewhere], 'held');
    const order: string[] = [];
    await endCopy((operation) => operation === first);
    while (order.length < names.size) {
      const next = await heardCopy((operation) => names.has(operation));
      order.push(names.get(next.message.operation_id) ?? 'a stranger');
      await endCopy((operation) => operation === next.message.operation_id);
    }
    expect(order).toEqual(['urgent', 'two a', 'one a', 'two b', 'one b', 'one c']);
  });

  test.each([
    ['that finds another source free', 'compute2', undefined, 1],
    ['that is urgent', 'compute1', 5, 1],
    ['that is cancelled', 'compute1', -1, 0],
  ] as const)(
    'a project’s last one %s puts nobody behind all of its others',
    async (what, host, priority, before) => {
      await start(1, { mover: { max_transfers_per_source: 1 } });
      const first = await ask('compute1', { project: 'one' });
      await agents.wake(first);
      await untilValue(pool, stepOf, [first], 'copy');
      const queued = async (source: string, set: { project: string; priority?: number }) => {
        const operation = await ask(source, set);
        await agents.wake(operation);
        await untilValue(
          pool,
          `select (turn is not null)::text as t from operations where id = $1`,
          [operation],
          'true',
        );
        return operation;
      };
      const many: OperationId[] = [];
      for (let count = 0; count < 4; count += 1) many.push(await queued('compute1', { project: 'one' }));
      const last = await queued(host, { project: 'one', ...(priority === undefined ? {} : { priority }) });
      if (what === 'that is cancelled') {
        await pool.query('update operations set cancel_requested_at = now() where id = $1', [last]);
        await agents.wake(last);
        await untilValue(pool, 'select state from operations where id = $1', [last], 'unwound');
      } else if (host === 'compute1') {
        await endCopy((operation) => operation === first);
        await untilValue(pool, turnOf, [last], 'held');
      }
      const newcomer = await queued('compute1', { project: 'two' });
      const { rows } = await pool.query<{ before: number }>(
        `select count(*)::int as before from operations o, operations n
       where n.id = $1 and o.id = any($2) and (o.turn_tag, o.created_at) < (n.turn_tag, n.created_at)`,
        [newcomer, many],
      );
      expect(rows).toEqual([{ before }]);
    },
  );

  test('goes on when who gave a turn back did not live to see who is next', async () => {
    await start(1, { mover: { max_transfers_per_source: 1 } });
    const first = await ask('compute1');
    await agents.wake(first);
    await untilValue(pool, stepOf, [first], 'copy');
    const second = await ask('compute1');
    await agents.wake(second);
    await untilValue(pool, turnOf, [second], 'waiting');
    await pool.query('update operations set turn = null where id = $1', [first]);
    await untilValue(pool, stepOf, [second], 'copy');
  });
});

test('a turn that is given back while another joins the queue is not left lying', async () => {
  const drover = { reconcile_interval_seconds: 600 };
  await start(1, { mover: { max_transfers_per_source: 1 }, drover });
  const first = await ask('compute1');
  // More than once: a scheduler that has just started may have no queue yet, and nothing else finds the first one here.
  await vi.waitFor(
    async () => {
      await agents.wake(first);
      expect(copying).toHaveLength(1);
    },
    { timeout: 20_000, interval: 50 },
  );
  await untilValue(pool, stepOf, [first], 'copy');
  // Whoever joins has counted the copies already when it stops here; it joins alone, because it asks for this cluster.
  await pool.query(`
    create function stop_here() returns trigger language plpgsql as
      'begin perform pg_advisory_xact_lock(42); return new; end';
    create trigger stop_here before update on operations for each row
      when (new.turn = 'waiting' and old.turn is null) execute function stop_here()`);
  const gate = await pool.connect();
  try {
    await gate.query('select pg_advisory_lock(42)');
    const second = await ask('compute1');
    await pool.query(
      `update operations set request = request || jsonb_build_object('if_cluster_version', $2::bigint)
       where id = $1`,
      [second, await readClusterVersion(pool)],
    );
    await agents.wake(second);
    const stopped = `select count(*)::int as n from pg_locks where locktype = 'advisory' and not granted
      and database = (select oid from pg_database where datname = current_database())`;
    await untilValue(pool, stopped, [], 1);
    await endCopy((operation) => operation === first);
    await untilValue(pool, `select state from operations where id = $1`, [first], 'done');
    await gate.query('select pg_advisory_unlock(42)');
    await untilValue(pool, stepOf, [second], 'copy');
  } finally {
    gate.release();
  }
});

describe('a pause', () => {
  const pause = async (operation: OperationId, paused: boolean) => {
    await pool.query(
      'update operations set paused_at = case when $2 then now() end, updated_at = now() where id = $1',
      [operation, paused],
    );
    await agents.wake(operation);
  };

  test('in the queue lets others pass; its end is found without a message too', async () => {
    await start(1, { mover: { max_transfers_per_source: 1 } });
    const [first, paused, third] = [await ask('compute1'), await ask('compute1'), await ask('compute1')];
    await agents.wake(first);
    await untilValue(pool, stepOf, [first], 'copy');
    for (const operation of [paused, third]) {
      await agents.wake(operation);
      await untilValue(pool, turnOf, [operation], 'waiting');
    }
    await pause(paused, true);
    await endCopy();
    await untilValue(pool, stepOf, [third], 'copy');
    await endCopy();
    await untilValue(pool, `select state from operations where id = $1`, [third], 'done');
    await untilValue(pool, turnOf, [paused], 'waiting');
    await pool.query('update operations set paused_at = null where id = $1', [paused]);
    await untilValue(pool, stepOf, [paused], 'copy');
  });

  test('of a copy is told to its source, and again when a new sender does not know of it', async () => {
    await start(1, {});
    const operation = await ask('compute1');
    await agents.wake(operation);
    await untilValue(pool, stepOf, [operation], 'copy');
    const told = () =>
      agents.commands.flatMap(({ message }) => (message.command === 'pause_copy' ? [message.arguments] : []));
    await pause(operation, true);
    const toldSql = `select facts -> 'pause' ->> 'changes' from operations where id = $1`;
    await untilValue(pool, toldSql, [operation], '1');
    const copy = await heardCopy();
    const progress = async (paused: boolean, limit_bytes_per_second: number) => {
      const { operation_id, step, direction, attempt, request_id } = copy.message;
      await agents.publish(copy.host, {
        type: 'step_progress',
        message_id: randomUUID(),
        request_id,
        sent_at: new Date().toISOString(),
        host: copy.host,
        operation_id,
        step,
        direction,
        attempt,
        progress: {
          round: 1,
          disk_total_bytes: 100,
          disk_processed_bytes: paused ? 20 : 10,
          disk_remaining_bytes: 90,
          sent_bytes: 10,
          skipped_bytes: 0,
          rate_bytes_per_second: 1,
          eta_seconds: null,
          paused,
          limit_bytes_per_second,
        },
      });
    };
    // The row has said so for a while: what the host tells is not from before it heard.
    const settle = `update operations set updated_at = now() - interval '3 seconds' where id = $1`;
    await pool.query(settle, [operation]);
    await progress(false, 0);
    await untilValue(pool, toldSql, [operation], '2');
    await pool.query(
      `update operations set request = request || '{"limit_bytes_per_second": 5000}' where id = $1`,
      [operation],
    );
    await pool.query(settle, [operation]);
    // Several times: what is told too soon after the last sign is passed over.
    await vi.waitFor(
      async () => {
        await progress(true, 0);
        expect(agents.commands.map(({ message }) => message.command)).toContain('limit');
      },
      { timeout: 20_000, interval: 50 },
    );
    await pause(operation, false);
    await untilValue(pool, toldSql, [operation], '3');
    await endCopy();
    await untilValue(pool, `select state from operations where id = $1`, [operation], 'done');
    expect(told()).toEqual([{ paused: true }, { paused: true }, { paused: false }]);
    const limits = agents.commands.filter(({ message }) => message.command === 'limit');
    expect(limits.map(({ message }) => message.arguments)).toEqual([{ limit_bytes_per_second: 5000 }]);
  });
});
