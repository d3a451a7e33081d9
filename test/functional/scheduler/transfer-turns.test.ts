import { describe, expect, test, vi } from 'vitest';
import type { OperationId } from '../../../shared/domain/ids.ts';
import { readClusterVersion } from '../../../services/scheduler/snapshot/cluster-version.ts';
import {
  agents,
  ask,
  copying,
  endCopy,
  heardCopy,
  hosts,
  pool,
  start,
  useHeldCopies,
} from './held-copies.ts';
import { stepOf, turnOf, untilValue } from './cluster-database.ts';

useHeldCopies();

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
