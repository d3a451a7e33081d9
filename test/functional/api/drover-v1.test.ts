import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { call, fixture, useServersFixture } from './server-requests.ts';
import { missingId } from './servers-fixture.ts';

useServersFixture();

/** A move under way: its rows as the api and the scheduler would have left them. */
async function moving(): Promise<{ server: string; migration: string; number: number; operation: string }> {
  const server = await fixture.server({ task_state: 'resize_migrating' });
  const migration = randomUUID();
  const number = await fixture.finishedMigration(server, {
    uuid: migration,
    status: 'migrating',
    phase: 'copy',
  });
  const operation = randomUUID();
  await fixture.pool.query(
    `insert into operations (id, kind, instance_uuid, migration_uuid, request_id, user_id, project_id, step, step_state)
     values ($1, 'cold', $2, $3, 'req-x', 'u', 'p', 'copy', 'ordered')`,
    [operation, server, migration],
  );
  await fixture.pool.query(
    `insert into operation_steps (operation_id, step, direction, attempt, host, event, summary)
     values ($1, 'stop', 'action', 4, 'compute1', 'done', 'guest is off')`,
    [operation],
  );
  return { server, migration, number, operation };
}

describe('migrations', () => {
  test('are listed newest first, by server, host and status, in pages', async () => {
    const first = await moving();
    const second = await moving();
    const all = await call('GET', '/migrations?status=migrating&host=compute2');
    const ids = all.body.migrations.map((migration: any) => migration.id);
    expect(ids.indexOf(second.migration)).toBeLessThan(ids.indexOf(first.migration));
    const page = await call('GET', `/migrations?limit=1&marker=${second.migration}`);
    expect(page.body.migrations.map((migration: any) => migration.id)).toEqual([first.migration]);
    const one = await call('GET', `/migrations?server=${first.server}`);
    expect(one.body.migrations).toHaveLength(1);
    expect(one.body.migrations[0]).toMatchObject({
      number: first.number,
      source_host: 'compute1',
      target_host: 'compute2',
      operation: { id: first.operation, kind: 'cold', state: 'running', step: 'copy' },
    });
  });

  test('one is found by UUID and by number, with its steps', async () => {
    const { migration, number } = await moving();
    for (const word of [migration, String(number)]) {
      const answer = await call('GET', `/migrations/${word}`);
      expect(answer.body.migration.id).toBe(migration);
      expect(answer.body.migration.steps).toMatchObject([{ step: 'stop', event: 'done', host: 'compute1' }]);
    }
  });

  test.each([missingId, '999999', 'nope', '1;drop', '%2e%2e%2f'])('%s is not found', async (word) => {
    const answer = await call('GET', `/migrations/${word}`);
    expect([answer.status, answer.body.error.code]).toEqual([404, 'migration_not_found']);
    expect(answer.body.error.advice).not.toBe('');
  });

  test.each(['limit=-1', 'limit=x', 'server=x', 'marker=1', 'colour=red'])('refuses ?%s', async (query) => {
    const answer = await call('GET', `/migrations?${query}`);
    expect([answer.status, answer.body.error.code]).toEqual([400, 'validation_failed']);
  });

  test('cancel asks the operation to stop and says what that means', async () => {
    const { migration, operation } = await moving();
    const answer = await call('POST', `/migrations/${migration}/cancel`);
    expect(answer.status).toBe(202);
    expect(answer.body.cancel.effect).toContain('given back on compute1');
    const { rows } = await fixture.pool.query(`select cancel_requested_at from operations where id = $1`, [
      operation,
    ]);
    expect(rows[0].cancel_requested_at).not.toBeNull();
  });

  test('a limit reaches the operation, and the outbox wakes the scheduler', async () => {
    const { migration, operation } = await moving();
    const before = fixture.wakes();
    const answer = await call('PUT', `/migrations/${migration}`, { limit_bytes_per_second: 1024 });
    expect(answer.body.migration.limit_bytes_per_second).toBe(1024);
    const { rows } = await fixture.pool.query(`select request from operations where id = $1`, [operation]);
    expect(rows[0].request).toEqual({ limit_bytes_per_second: 1024 });
    expect(fixture.wakes()).toBe(before + 1);
  });

  test.each([{}, { limit_bytes_per_second: -1 }, { limit_bytes_per_second: '5' }, { x: 1 }])(
    'refuses the change %j',
    async (body) => {
      const { migration } = await moving();
      expect((await call('PUT', `/migrations/${migration}`, body)).status).toBe(400);
    },
  );

  test('what does not move any more cannot be cancelled or limited', async () => {
    const server = await fixture.server({ vm_state: 'resized' });
    const migration = randomUUID();
    await fixture.finishedMigration(server, { uuid: migration });
    for (const answer of [
      await call('POST', `/migrations/${migration}/cancel`),
      await call('PUT', `/migrations/${migration}`, { limit_bytes_per_second: 1 }),
    ]) {
      expect([answer.status, answer.body.error.code]).toEqual([409, 'migration_not_running']);
    }
  });
});

describe('operations', () => {
  test('a stuck one is listed and can be told to go on; another cannot', async () => {
    const { operation } = await moving();
    const refused = await call('POST', `/operations/${operation}/resume`);
    expect([refused.status, refused.body.error.code]).toEqual([409, 'operation_not_stuck']);
    await fixture.pool.query(`update operations set state = 'stuck' where id = $1`, [operation]);
    const list = await call('GET', '/operations?state=stuck');
    expect(list.body.operations.map((found: any) => found.id)).toEqual([operation]);
    expect((await call('POST', `/operations/${operation}/resume`)).status).toBe(202);
    const { rows } = await fixture.pool.query(`select resume_requested_at from operations where id = $1`, [
      operation,
    ]);
    expect(rows[0].resume_requested_at).not.toBeNull();
  });

  test('a stuck one can be counted as done by a person', async () => {
    const { operation } = await moving();
    await fixture.pool.query(`update operations set state = 'stuck' where id = $1`, [operation]);
    expect((await call('POST', `/operations/${operation}/resolve`, undefined, 'demo')).status).toBe(403);
    expect((await call('POST', `/operations/${operation}/resolve`)).status).toBe(202);
    const { rows } = await fixture.pool.query(
      `select resume_requested_at is not null as asked, resume_as_resolved from operations where id = $1`,
      [operation],
    );
    expect(rows).toEqual([{ asked: true, resume_as_resolved: true }]);
  });

  test.each([missingId, 'x'])('%s is not found', async (id) => {
    expect((await call('POST', `/operations/${id}/resume`)).status).toBe(404);
  });
});

test('hosts show their state and what is taken', async () => {
  await fixture.pool.query(
    `insert into host_inventories (host_id, resource_class, total, reserved, allocation_ratio, max_unit, used)
     select id, 'MEMORY_MB', 1000, 100, 1.5, 1000, 64 from hosts where name = 'compute1'`,
  );
  await fixture.pool.query(
    `update services set disabled = true, disabled_reason = 'repair' where host = 'compute2'`,
  );
  const { body } = await call('GET', '/hosts');
  expect(body.hosts.map((host: any) => [host.name, host.state, host.status])).toEqual([
    ['compute1', 'up', 'enabled'],
    ['compute2', 'up', 'disabled'],
    ['compute3', 'up', 'enabled'],
  ]);
  expect(body.hosts[0].inventories.MEMORY_MB).toMatchObject({ used: 64, capacity: 1350 });
});

describe('who may', () => {
  const routes = [
    ['GET', '/migrations', 200],
    ['GET', `/migrations/${missingId}`, 404],
    ['POST', `/migrations/${missingId}/cancel`, 404],
    ['GET', '/operations', 200],
    ['POST', `/operations/${missingId}/resume`, 404],
    ['GET', '/hosts', 200],
    ['GET', '/decisions', 200],
    ['GET', `/decisions/${missingId}`, 404],
  ] as const;
  test.each(routes)('%s %s is the administrator’s', async (method, path, status) => {
    expect((await call(method, path, undefined, 'admin')).status).toBe(status);
    for (const actor of ['demo', 'rhea', 'alice'] as const) {
      expect((await call(method, path, undefined, actor)).status).toBe(403);
    }
    expect((await call(method, path, undefined, null)).status).toBe(401);
  });
});
