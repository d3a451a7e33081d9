import { beforeEach, describe, expect, test } from 'vitest';
import { hostName } from '../../../shared/domain/ids.ts';
import { ingestReport } from '../../../services/scheduler/hosts/ingest-report.ts';
import { readChangedMarks } from '../../../services/scheduler/snapshot/host-marks.ts';
import { HostSnapshot } from '../../../services/scheduler/snapshot/host-snapshot.ts';
import { request } from '../../unit/scheduler/placement/builders.ts';
import { beginPatiently, pool, useClusterDatabase } from './cluster-database.ts';
import { addColdMigration, addInstance, initialRatios, reportOf } from './rows.ts';

useClusterDatabase();
beforeEach(async () => {
  await pool.query('truncate instances, hosts, services, claims, aggregates cascade');
});

const report = (changes: Parameters<typeof reportOf>[1]) =>
  ingestReport(pool, reportOf('c1', changes), initialRatios);

describe('the snapshot', () => {
  let now_seconds = 1000;
  const snapshot = () =>
    new HostSnapshot({
      pool,
      service_down_seconds: 60,
      default_availability_zone: 'nova',
      now_seconds: () => now_seconds,
    });

  test('holds what placement asks for, and sees what the api changes', async () => {
    await report({});
    const instance = await addInstance(pool, 'c1');
    const cluster = snapshot();
    await cluster.refresh();
    const host = () => cluster.current().host_by_name.get(hostName('c1'));
    expect(host()).toMatchObject({
      up: true,
      enabled: true,
      availability_zone: 'nova',
      inventories: { VCPU: { used: 1, total: 64 } },
      io_operations: 0,
    });
    expect([...(host()?.instances.keys() ?? [])]).toEqual([instance]);

    await pool.query(`update services set disabled = true, disabled_reason = 'disk' where host = 'c1'`);
    await cluster.refresh();
    expect(host()).toMatchObject({ enabled: false, disabled_reason: 'disk' });

    await pool.query(`insert into aggregates (name, metadata) values ('a', '{"availability_zone": "west"}')`);
    await pool.query(
      `insert into aggregate_hosts (aggregate_id, host_id) select a.id, h.id from aggregates a, hosts h`,
    );
    await cluster.refresh();
    expect(host()).toMatchObject({ availability_zone: 'west' });
    await pool.query(`update aggregates set metadata = '{"availability_zone": "east"}'`);
    await cluster.refresh();
    expect(host()).toMatchObject({ availability_zone: 'east' });
    await pool.query('delete from aggregates');
    await cluster.refresh();
    expect(host()).toMatchObject({ availability_zone: 'nova', aggregates: [] });
  });

  test('loses a host that is removed', async () => {
    await report({});
    const cluster = snapshot();
    await cluster.refresh();
    await pool.query('delete from hosts');
    await cluster.refresh();
    expect(cluster.current().hosts).toEqual([]);
  });

  test('a jump of the database clock does not bring every host down; silence does', async () => {
    await report({});
    const cluster = snapshot();
    await cluster.refresh();
    // As if the clock had jumped an hour ahead: the stored time is suddenly old, no time has passed here.
    await pool.query(`update services set last_seen_at = last_seen_at - interval '1 hour'`);
    await cluster.refresh();
    expect(cluster.isUp(hostName('c1'))).toBe(true);
    now_seconds += 61;
    await cluster.refresh();
    expect(cluster.current().hosts).toMatchObject([{ name: 'c1', up: false }]);
    await report({ sequence: 2 });
    await cluster.refresh();
    expect(cluster.current().hosts).toMatchObject([{ name: 'c1', up: true }]);
  });

  test('misses no change, in whichever order transactions commit', async () => {
    for (const host of ['c1', 'c2']) await ingestReport(pool, reportOf(host), initialRatios);
    const cluster = snapshot();
    await cluster.refresh();
    const enabled = () => cluster.current().hosts.map((host) => host.enabled);
    const disable = `update services set disabled = true where host = $1`;
    const slow = await pool.connect();
    try {
      await beginPatiently(slow);
      await slow.query(disable, ['c1']);
      await pool.query(disable, ['c2']);
      await cluster.refresh();
      expect(enabled()).toEqual([true, false]);
      await cluster.refresh();
      await slow.query('commit');
    } finally {
      slow.release();
    }
    await cluster.refresh();
    expect(enabled()).toEqual([false, false]);
  });

  test('reads what has changed and no more', async () => {
    for (const host of ['c1', 'c2', 'c3']) await ingestReport(pool, reportOf(host), initialRatios);
    const { rows } = await pool.query<{ now: string }>('select pg_current_xact_id()::text as now');
    const since = rows[0]?.now ?? '';
    expect((await readChangedMarks(pool, since, [])).marks).toEqual([]);
    await ingestReport(pool, reportOf('c1', { sequence: 2 }), initialRatios);
    expect((await readChangedMarks(pool, since, [])).marks).toEqual([]);
    await ingestReport(pool, reportOf('c2', { sequence: 2, address: '127.9.9.9' }), initialRatios);
    const { marks, removed_generations } = await readChangedMarks(pool, since, []);
    expect(marks.map(({ name }) => name)).toEqual(['c2']);
    await pool.query(`delete from hosts where name = 'c3'`);
    expect((await readChangedMarks(pool, since, [])).removed_generations).toBeGreaterThan(
      removed_generations,
    );
  });

  test('a host that went silent while nobody looked is not taken for one that has just spoken', async () => {
    await report({});
    const cluster = snapshot();
    await cluster.refresh();
    now_seconds += 3600;
    await pool.query(`update services set last_seen_at = now() - interval '50 minutes'`);
    await cluster.refresh();
    expect(cluster.isUp(hostName('c1'))).toBe(false);
  });

  test('a host that was removed and came back is read anew', async () => {
    await report({});
    const cluster = snapshot();
    await cluster.refresh();
    await pool.query('delete from services');
    await report({ sequence: 9, address: '127.9.9.9' });
    await cluster.refresh();
    expect(cluster.current().hosts).toMatchObject([{ name: 'c1', address: '127.9.9.9', up: true }]);
  });

  test('counts choices under way, and forgets those that came to nothing', async () => {
    await report({});
    const cluster = snapshot();
    await cluster.refresh();
    const used = () => cluster.current().hosts[0]?.inventories.VCPU?.used;
    const asked = { ...request().request, resources: { VCPU: 5 } };
    const reservation = cluster.reserve(hostName('c1'), asked, null);
    expect(used()).toBe(5);
    await report({ sequence: 2, address: '127.9.9.9' });
    await cluster.refresh();
    expect(used()).toBe(5);
    cluster.release(reservation);
    await cluster.refresh();
    expect(used()).toBe(0);
  });

  test('counts moves and builds as disk work on both hosts', async () => {
    await report({});
    const instance = await addInstance(pool, 'c1');
    await addColdMigration(pool, instance);
    const cluster = snapshot();
    await cluster.refresh();
    expect(cluster.current().hosts).toMatchObject([{ io_operations: 1 }]);
  });
});
