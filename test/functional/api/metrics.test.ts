import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fixture, useServersFixture } from './server-requests.ts';
import type { Actor } from './servers-fixture.ts';

const documented = readFileSync(join(import.meta.dirname, '../../../docs/metrics.md'), 'utf8');

useServersFixture();

const scrape = async (actor: Actor | null = 'admin') =>
  await fixture.send(actor, 'GET', '/metrics', { root: '/drover/v1' });

/** Name with labels → value. */
function valuesOf(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const space = line.lastIndexOf(' ');
      return [line.slice(0, space), Number(line.slice(space + 1))];
    }),
  );
}

/** Fails with every one of these that is not as wanted. */
function expectValues(values: ReadonlyMap<string, number>, wanted: Readonly<Record<string, number>>): void {
  expect(Object.fromEntries(Object.keys(wanted).map((name) => [name, values.get(name)]))).toEqual(wanted);
}

/** A move that has ended, with the steps that metrics look at. */
async function ended(set: { state: 'done' | 'unwound'; code?: string }): Promise<void> {
  const server = await fixture.server({});
  const migration = randomUUID();
  await fixture.finishedMigration(server, { uuid: migration });
  await fixture.pool.query(
    `update migrations set was_running = true, sent_bytes = 1000, skipped_bytes = 50, resent_bytes = 7,
       status = case when $2 = 'done' then 'confirmed' else 'error' end where uuid = $1`,
    [migration, set.state],
  );
  const operation = randomUUID();
  await fixture.pool.query(
    `insert into operations (id, kind, instance_uuid, migration_uuid, request_id, user_id, project_id, state,
       reason_code, finished_at)
     values ($1, 'cold', $2, $3, 'req-x', 'u', 'p', $4, $5, now())`,
    [operation, server, migration, set.state, set.code ?? null],
  );
  await fixture.pool.query(
    `insert into operation_steps (operation_id, step, direction, attempt, event, at)
     select $1, step, 'action', 1, event, now() - make_interval(secs => ago)
     from (values ('stop', 'ordered', 10), ('stop', 'done', 9), ('copy', 'ordered', 9), ('copy', 'done', 4),
                  ('adopt', 'ordered', 3.5), ('adopt', 'done', 3)) as s(step, event, ago)`,
    [operation],
  );
}

test('every documented metric of the cluster and the api is there, and no other', async () => {
  await scrape();
  const { status, text, headers } = await scrape();
  expect(status).toBe(200);
  expect(headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/);
  const found = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => `${name} ${type}`);
  const sections = documented.slice(0, documented.indexOf('## A scheduler'));
  const promised = [...sections.matchAll(/^\| `(\w+)` +\| (\w+)/gm)].map(
    ([, name, type]) => `${name} ${type}`,
  );
  expect(promised.length).toBeGreaterThan(10);
  expect(found.toSorted()).toEqual(promised.toSorted());
});

test('what ends is counted once, however often it is asked', async () => {
  await scrape();
  await ended({ state: 'done' });
  await ended({ state: 'unwound', code: 'mover_target_full' });
  await ended({ state: 'unwound', code: 'cancelled' });
  for (let times = 0; times < 3; times += 1) {
    const values = valuesOf((await scrape()).text);
    expectValues(values, {
      'drover_migrations_ended_total{outcome="finished"}': 1,
      'drover_migrations_ended_total{outcome="error"}': 1,
      'drover_migrations_ended_total{outcome="cancelled"}': 1,
      'drover_migration_failures_total{code="mover_target_full"}': 1,
      drover_transfer_sent_bytes_total: 3000,
      drover_transfer_resent_bytes_total: 21,
      'drover_migration_phase_seconds_count{step="copy"}': 3,
      drover_migration_downtime_seconds_count: 1,
    });
    expect(values.get('drover_migration_phase_seconds_sum{step="copy"}')).toBeCloseTo(15, 3);
    expect(values.get('drover_migration_downtime_seconds_sum')).toBeCloseTo(6, 3);
  }
});

test('a host that invents codes does not make a series of each', async () => {
  await scrape();
  for (let number = 0; number < 3; number += 1) await ended({ state: 'unwound' });
  await fixture.pool.query(
    `insert into operations (id, kind, instance_uuid, migration_uuid, request_id, user_id, project_id, state, reason_code,
       finished_at)
     select gen_random_uuid(), 'cold', instance_uuid, migration_uuid, 'req-x', 'u', 'p', 'unwound', 'code_' || number, now()
     from (select * from operations where state = 'unwound' limit 1) o, generate_series(1, 300) number`,
  );
  const codes = [...valuesOf((await scrape()).text)].filter(([name]) =>
    name.startsWith('drover_migration_failures_total'),
  );
  expect(codes.length).toBeLessThanOrEqual(201);
  expect(codes.map(([name]) => name)).toContain('drover_migration_failures_total{code="other"}');
});

test('what is under way, waits and stands still is shown as it is', async () => {
  const at = async (step: string, turn: string | null, paused: boolean) => {
    const server = await fixture.server({});
    const migration = randomUUID();
    await fixture.finishedMigration(server, { uuid: migration, status: 'migrating' });
    await fixture.pool.query(
      `update migrations set rate_bytes_per_second = 500, eta_seconds = 60, round = 2, disk_total_bytes = 9e12,
         disk_processed_bytes = 70, disk_remaining_bytes = 30, sent_bytes = 8, skipped_bytes = 50 where uuid = $1`,
      [migration],
    );
    await fixture.pool.query(
      `insert into operations (id, kind, instance_uuid, migration_uuid, request_id, user_id, project_id, step, turn,
         paused_at, created_at)
       values ($1, 'cold', $2, $3, 'req-x', 'u', 'p', $4, $5, case when $6 then now() end, now() - interval '1 hour')`,
      [randomUUID(), server, migration, step, turn, paused],
    );
  };
  await at('copy', 'held', false);
  await at('copy', 'held', false);
  await at('copy', 'held', true);
  await at('turn', 'waiting', false);
  await fixture.pool.query(
    `insert into outbox (exchange, routing_key, message, created_at) values ('x', 'y', '{}', now() - interval '90 seconds')`,
  );
  const values = valuesOf((await scrape()).text);
  expectValues(values, {
    'drover_transfers{state="running"}': 2,
    'drover_transfers{state="paused"}': 1,
    'drover_transfers{state="queued"}': 1,
    'drover_operations{state="stuck"}': 0,
    drover_transfer_rate_bytes_per_second: 1000,
    'drover_transfer_bytes{kind="total"}': 27e12,
    'drover_transfer_bytes{kind="processed"}': 210,
    'drover_transfer_bytes{kind="remaining"}': 90,
    'drover_transfer_bytes{kind="sent"}': 24,
    'drover_transfer_bytes{kind="skipped"}': 150,
    drover_transfer_eta_seconds: 60,
    drover_transfer_round: 2,
    'drover_migrations{status="migrating"}': 4,
    'drover_hosts{state="up"}': 3,
  });
  expect(values.get('drover_transfer_queue_oldest_seconds')).toBeGreaterThanOrEqual(3600);
  expect(values.get('drover_outbox_lag_seconds')).toBeGreaterThanOrEqual(90);
});

test('they are the administrator’s', async () => {
  for (const actor of ['demo', 'rhea', 'alice'] as const) expect((await scrape(actor)).status).toBe(403);
  expect((await scrape(null)).status).toBe(401);
});
