import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decide } from '../../../services/scheduler/placement/decide.ts';
import { createSnapshot } from '../../../services/scheduler/placement/snapshot.ts';
import { loadProblem } from '../../../services/scheduler/placement/text-form/problem.ts';
import { host, request, settings } from '../../unit/scheduler/placement/builders.ts';
import { HostLists } from '../../../services/scheduler/host-lists.ts';
import { packRecord } from '../../../services/scheduler/placement-record.ts';
import { createServersFixture, missingId, type Actor, type ServersFixture } from './servers-fixture.ts';

let fixture: ServersFixture;
beforeAll(async () => {
  fixture = await createServersFixture();
});
afterAll(async () => {
  await fixture.close();
});

const call = (method: 'GET' | 'POST' | 'PUT', path: string, body?: unknown, actor: Actor | null = 'admin') =>
  fixture.send(actor, method, path, { root: '/drover/v1', ...(body === undefined ? {} : { body }) });

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

describe('a decision', () => {
  const server = randomUUID();
  const store = async (created_at: string, chosen: string | null, refusals: object): Promise<string> => {
    const id = randomUUID();
    const snapshot = createSnapshot([host('c1').state, host('c2').state, host('c3').down().state], 1);
    const decision = decide(snapshot, request().request, settings(), '');
    const lists = new HostLists(fixture.pool);
    await lists.store(decision.rejections.columns()!.names);
    await fixture.pool.query(
      `insert into decisions (id, kind, instance_uuid, request_id, chosen_host, summary, record, refusals, created_at)
       values ($1, 'cold', $2, 'req-x', $3, 'a summary', $4, $5, $6)`,
      [
        id,
        server,
        chosen,
        packRecord(decision, (names) => lists.digestOf(names)),
        JSON.stringify(refusals),
        created_at,
      ],
    );
    return id;
  };

  test('is shown host by host, with what was found when it was claimed; whole on request', async () => {
    const id = await store('2026-01-01', 'c2', { c1: 'was disabled' });
    const { body } = await call('GET', `/decisions/${id}`);
    expect(body.decision).toMatchObject({
      id,
      server_id: server,
      chosen_host: 'c2',
      hosts_considered: 3,
      hosts_weighed: 2,
      hosts_left_out: 0,
      reasons: [{ filter: 'ComputeFilter', hosts: 1 }],
    });
    expect(body.decision.hosts.map((one: any) => [one.host, one.verdict])).toEqual([
      ['c2', 'chosen'],
      ['c1', 'refused'],
      ['c3', 'rejected'],
    ]);
    expect(body.decision).not.toHaveProperty('record');
    const short = await call('GET', `/decisions/${id}?hosts=1&record=true`);
    expect(short.body.decision.hosts).toHaveLength(1);
    expect(short.body.decision.hosts_left_out).toBe(2);
    expect(short.body.decision.record.chosen).toBe('c1');
  });

  test('of a server: the newest first', async () => {
    const newest = await store('2026-01-03', null, {});
    await store('2026-01-02', null, {});
    const { body } = await call('GET', `/decisions?server=${server}&limit=1`);
    expect(body.decisions).toMatchObject([{ id: newest, chosen_host: null, summary: 'a summary' }]);
    expect((await call('GET', `/decisions?limit=0`)).body.decisions).toEqual([]);
  });

  test.each([missingId, 'x'])('%s is not found', async (unknown) => {
    expect((await call('GET', `/decisions/${unknown}`)).status).toBe(404);
  });

  test.each(['hosts=-1', 'hosts=x', 'record=1', 'x=1'])('refuses ?%s', async (query) => {
    expect((await call('GET', `/decisions/${missingId}?${query}`)).status).toBe(400);
  });
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

describe('questions to placement', () => {
  let server: string;
  beforeAll(async () => {
    server = await fixture.server();
    await fixture.pool.query(`delete from host_inventories`);
    await fixture.pool.query(
      `insert into host_inventories (host_id, resource_class, total, max_unit)
       select h.id, c.name, c.total, c.total from hosts h,
         (values ('VCPU', 8), ('MEMORY_MB', 1024), ('DISK_GB', 10)) as c (name, total)`,
    );
    await fixture.pool.query(`update services set disabled = host = 'compute2', disabled_reason = 'repair'`);
  });

  test('a dry run says where a server would go, and writes nothing', async () => {
    const before = await fixture.pool.query(`select count(*) from operations`);
    const { status, body } = await call('POST', '/decisions', { servers: [{ id: server }] });
    expect(status).toBe(200);
    expect(body.decisions).toMatchObject([{ server_id: server, chosen_host: 'compute3' }]);
    expect(body.decisions[0].hosts).toContainEqual({
      host: 'compute2',
      verdict: 'rejected',
      weight: null,
      reason: 'ComputeFilter: disabled: "repair"',
    });
    const after = await fixture.pool.query(`select count(*) from operations`);
    expect(after.rows).toEqual(before.rows);
  });

  test('a host that does not exist is refused as the real move refuses it', async () => {
    const { status, body } = await call('POST', '/decisions', { servers: [{ id: server, host: 'nope' }] });
    expect(status).toBe(400);
    expect(body.error).toMatchObject({ message: 'Compute host nope could not be found.' });
  });

  test('each server of a list takes from what the next may have', async () => {
    const others = await Promise.all(Array.from({ length: 17 }, async () => fixture.server()));
    const { body } = await call('POST', '/decisions', { servers: others.map((id) => ({ id })) });
    const chosen = body.decisions.map((decision: any) => decision.chosen_host);
    // 16 servers would fit into the memory and 10 into the disk, but only 8 into the VCPUs.
    expect(chosen.filter((host: string | null) => host === 'compute3')).toHaveLength(8);
    expect(body.decisions.at(-1).summary).toMatch(/^No valid host was found\. /);
  });

  test('the version changes with the cluster and not with a question', async () => {
    const version = async () =>
      (await call('POST', '/decisions', { servers: [{ id: server }] })).body.cluster_version;
    const first = await version();
    expect(await version()).toBe(first);
    await fixture.pool.query(`update services set disabled = false where host = 'compute2'`);
    expect(await version()).toBeGreaterThan(first);
    await fixture.pool.query(`update services set disabled = true where host = 'compute2'`);
  });

  test('one host is explained, filter by filter', async () => {
    const { body } = await call('GET', `/hosts/compute2/explain?server=${server}`);
    const refused = body.explanation.verdicts.filter((verdict: any) => !verdict.pass);
    expect(refused).toMatchObject([{ filter: 'ComputeFilter' }]);
    expect((await call('GET', `/hosts/nope/explain?server=${server}`)).status).toBe(404);
    expect((await call('GET', `/hosts/compute2/explain`)).status).toBe(400);
  });

  test('the cluster is dumped as text, with a server’s question when one is named', async () => {
    expect((await call('GET', '/cluster', undefined, null)).status).toBe(401);
    const plain = loadProblem((await call('GET', '/cluster')).text, settings());
    expect(plain.snapshot.hosts.map(({ name }) => name)).toEqual(['compute1', 'compute2', 'compute3']);
    expect(plain.requests).toEqual([]);
    const asked = loadProblem((await call('GET', `/cluster?server=${server}`)).text, settings());
    const [first] = asked.requests;
    expect(first?.name).toBe(server);
    expect(decide(asked.snapshot, first!.request, asked.settings, '').chosen).toBe('compute3');
  });

  test('a migration is asked for with a limit and the version of its dry run', async () => {
    const mover = await fixture.server();
    const answer = await call('POST', '/migrations', {
      server: mover,
      host: 'compute3',
      limit_bytes_per_second: 5,
      if_cluster_version: 7,
    });
    expect(answer.status).toBe(202);
    expect(answer.body.migration).toMatchObject({
      server_id: mover,
      requested_host: 'compute3',
      status: 'pre-migrating',
    });
    const { rows } = await fixture.pool.query(`select request from operations where instance_uuid = $1`, [
      mover,
    ]);
    expect(rows[0].request).toEqual({ host: 'compute3', limit_bytes_per_second: 5, if_cluster_version: 7 });
  });

  test('a warm migration is asked for with its budget, or the configured one', async () => {
    const [named, plain] = [await fixture.server(), await fixture.server()];
    const asked = await call('POST', '/migrations', {
      server: named,
      mode: 'warm',
      downtime_budget_seconds: 2.5,
    });
    expect(asked.body.migration).toMatchObject({
      mode: 'warm',
      downtime: { budget_seconds: 2.5, predicted_seconds: null, measured_seconds: null },
      rounds: [],
      precopy_ended: null,
    });
    await call('POST', '/migrations', { server: plain, mode: 'warm' });
    const { rows } = await fixture.pool.query(
      `select request from operations where instance_uuid in ($1, $2) order by created_at`,
      [named, plain],
    );
    expect(rows.map(({ request }) => request)).toEqual([
      { mode: 'warm', downtime_budget_seconds: 2.5 },
      { mode: 'warm', downtime_budget_seconds: 30 },
    ]);
    const refused = { server: plain, mode: 'tepid' };
    expect((await call('POST', '/migrations', refused)).status).toBe(400);
    expect(
      (await call('POST', '/migrations', { ...refused, mode: 'warm', downtime_budget_seconds: -1 })).status,
    ).toBe(400);
  });

  test.each([
    ['no server', { servers: [] }],
    ['a name', { servers: [{ id: 'vm1' }] }],
    ['a path for a host', { servers: [{ id: missingId, host: '../x' }] }],
  ])('refuses %s', async (_what, body) => {
    expect((await call('POST', '/decisions', body)).status).toBe(400);
  });
});
