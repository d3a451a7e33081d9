import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { call, fixture, useServersFixture } from './server-requests.ts';
import { createServersFixture } from './servers-fixture.ts';

useServersFixture({ mover: { limit_bytes_per_second: 12_345 } });

interface Moving {
  readonly server: string;
  readonly migration: string;
  readonly operation: string;
}

/** A move at a step, as the api and the scheduler would have left its rows. */
async function moving(
  step: string,
  set: { turn?: 'waiting' | 'held'; tag?: number; was_running?: boolean } = {},
): Promise<Moving> {
  const server = await fixture.server({ task_state: 'resize_migrating' });
  const migration = randomUUID();
  await fixture.finishedMigration(server, { uuid: migration, status: 'migrating', phase: step });
  await fixture.pool.query('update migrations set was_running = $2 where uuid = $1', [
    migration,
    set.was_running ?? true,
  ]);
  const operation = randomUUID();
  await fixture.pool.query(
    `insert into operations (id, kind, instance_uuid, migration_uuid, request_id, user_id, project_id, step,
       step_state, turn, turn_tag)
     values ($1, 'cold', $2, $3, 'req-x', 'u', 'p', $4, 'ordered', $5, $6)`,
    [operation, server, migration, step, set.turn ?? null, set.tag ?? null],
  );
  return { server, migration, operation };
}

async function end({ operation }: Moving): Promise<void> {
  await fixture.pool.query(`update operations set state = 'done', turn = null where id = $1`, [operation]);
}

describe('a pause', () => {
  test.each([
    ['turn', /keeps its place .* guest is untouched/],
    ['admit', /before the guest is stopped; the guest is untouched/],
    ['precopy', /the guest runs on/],
    ['copy', /The guest is off while it is paused: unpause .* or cancel/],
  ])('at %s says what it means', async (step, effect) => {
    const move = await moving(step);
    const answer = await call('POST', `/migrations/${move.migration}/pause`);
    expect([answer.status, answer.body.pause.migration_id]).toEqual([202, move.migration]);
    expect(answer.body.pause.effect).toMatch(effect);
    const shown = await call('GET', `/migrations/${move.migration}`);
    expect(shown.body.migration.paused_at).toMatch(/^20/);
    expect(shown.body.migration.guest_is_off).toBe(step === 'copy');
  });

  test('of a guest that was off before does not warn', async () => {
    const { migration } = await moving('copy', { was_running: false });
    const answer = await call('POST', `/migrations/${migration}/pause`);
    expect(answer.body.pause.effect).toMatch(/was off before/);
    expect((await call('GET', `/migrations/${migration}`)).body.migration.guest_is_off).toBe(false);
  });

  test('is kept, wakes the scheduler, is in the record of who did what, and ends with unpause', async () => {
    const { server, migration, operation } = await moving('copy');
    const before = fixture.wakes();
    await call('POST', `/migrations/${migration}/pause`);
    const since = async () =>
      (await fixture.pool.query('select paused_at from operations where id = $1', [operation])).rows[0]
        .paused_at;
    const first = await since();
    await call('POST', `/migrations/${migration}/pause`);
    expect(await since()).toEqual(first);
    expect((await call('POST', `/migrations/${migration}/unpause`)).body.unpause.effect).toBe('It goes on.');
    expect(await since()).toBeNull();
    expect(fixture.wakes()).toBe(before + 3);
    const { rows } = await fixture.pool.query(
      'select action, user_id from instance_actions where instance_uuid = $1 order by id',
      [server],
    );
    expect(rows.map(({ action }) => action)).toEqual([
      'pauseMigration',
      'pauseMigration',
      'unpauseMigration',
    ]);
    expect(rows.every(({ user_id }) => typeof user_id === 'string')).toBe(true);
  });

  test.each(['verify', 'retire', 'adopt'])('at %s is refused', async (step) => {
    const { migration } = await moving(step);
    const answer = await call('POST', `/migrations/${migration}/pause`);
    expect([answer.status, answer.body.error.code]).toEqual([409, 'migration_past_copy']);
    expect(answer.body.error.message).toContain(step);
  });

  test('that is not there cannot end, nor can one of a move that has ended', async () => {
    const move = await moving('copy');
    const answer = await call('POST', `/migrations/${move.migration}/unpause`);
    expect([answer.status, answer.body.error.code]).toEqual([409, 'migration_not_paused']);
    await end(move);
    for (const word of ['pause', 'unpause']) {
      const late = await call('POST', `/migrations/${move.migration}/${word}`);
      expect([late.status, late.body.error.code]).toEqual([409, 'migration_not_running']);
    }
  });

  test('is the administrator’s to ask for', async () => {
    const { migration } = await moving('copy');
    expect((await call('POST', `/migrations/${migration}/pause`, undefined, 'demo')).status).toBe(403);
  });
});

describe('priorities', () => {
  test('are changed with and without the rate', async () => {
    const { migration, operation } = await moving('turn', { turn: 'waiting' });
    const answer = await call('PUT', `/migrations/${migration}`, { priority: 7 });
    expect(answer.body.migration).toMatchObject({ priority: 7, limit_bytes_per_second: 0 });
    const both = await call('PUT', `/migrations/${migration}`, { priority: -3, limit_bytes_per_second: 9 });
    expect(both.body.migration).toMatchObject({ priority: -3, limit_bytes_per_second: 9 });
    const { rows } = await fixture.pool.query('select priority, request from operations where id = $1', [
      operation,
    ]);
    expect(rows[0]).toEqual({ priority: -3, request: { limit_bytes_per_second: 9 } });
  });

  test.each([{ priority: 1001 }, { priority: 'high' }, { priority: 0.5 }])('%j is refused', async (body) => {
    const { migration } = await moving('turn');
    expect((await call('PUT', `/migrations/${migration}`, body)).status).toBe(400);
  });

  test('and rate are taken with the request', async () => {
    const server = await fixture.server({});
    const answer = await call('POST', '/migrations', { server, priority: 4, limit_bytes_per_second: 1024 });
    expect(answer.status).toBe(202);
    expect(answer.body.migration).toMatchObject({ priority: 4, limit_bytes_per_second: 1024 });
  });
});

test('who waits is told its place and what for', async () => {
  await fixture.pool.query(`update operations set turn = null`);
  // The default: four at once from one source.
  const held = await Promise.all([1, 2, 3, 4].map(() => moving('copy', { turn: 'held', tag: 0 })));
  const second = await moving('turn', { turn: 'waiting', tag: 2 });
  const first = await moving('turn', { turn: 'waiting', tag: 1 });
  const paused = await moving('turn', { turn: 'waiting', tag: 3 });
  await call('POST', `/migrations/${paused.migration}/pause`);
  const queueOf = async ({ migration }: Moving) =>
    (await call('GET', `/migrations/${migration}`)).body.migration.queue;
  const waits_for = 'waits for compute1: 4 of 4 transfers leave it';
  expect(await queueOf(first)).toEqual({ position: 1, waits_for });
  expect(await queueOf(second)).toEqual({ position: 2, waits_for });
  expect(await queueOf(paused)).toEqual({ position: 3, waits_for: 'waits for a person: it is paused' });
  expect(held[0] === undefined ? undefined : await queueOf(held[0])).toBeNull();
  const { body } = await call('GET', '/migrations');
  const places = body.migrations.map((migration: any) => migration.queue?.position ?? null);
  expect(places.filter((place: number | null) => place !== null)).toEqual([3, 1, 2]);
  await end(first);
  expect(await queueOf(second)).toMatchObject({ position: 1 });
});

test('a move that was asked for without a rate shows the one that it gets', async () => {
  const server = await fixture.server({});
  const { body } = await call('POST', '/migrations', { server });
  expect(body.migration.limit_bytes_per_second).toBe(12_345);
});

test('a project that may migrate its servers may not put them before those of others', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'drover-policy-'));
  const policy_file = join(folder, 'policy.yaml');
  writeFileSync(policy_file, '"os_compute_api:os-migrate-server:migrate": "rule:project_member_or_admin"\n');
  const open = await createServersFixture({}, policy_file);
  try {
    const server = await open.server({ project_id: open.projectOf('demo') });
    const asked = (wish: object) =>
      open.send('demo', 'POST', '/migrations', { root: '/drover/v1', body: { server, ...wish } });
    expect((await asked({ priority: 1 })).status).toBe(403);
    expect((await asked({})).status).toBe(202);
  } finally {
    await open.close();
    rmSync(folder, { recursive: true });
  }
});
