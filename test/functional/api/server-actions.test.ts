import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createServersFixture, missingId, type ServersFixture } from './servers-fixture.ts';

let fixture: ServersFixture;
beforeAll(async () => {
  fixture = await createServersFixture();
});
afterAll(async () => {
  await fixture.close();
});

const act = async (
  server: string,
  body: unknown,
  options: { actor?: 'admin' | 'demo' | 'rhea' | 'alice'; version?: string } = {},
) => {
  const { actor = 'admin', ...rest } = options;
  return await fixture.send(actor, 'POST', `/servers/${server}/action`, { ...rest, body });
};

const message = (answer: { body: any }): string => (Object.values(answer.body ?? {})[0] as any)?.message;
const resized = { vm_state: 'resized', host: 'compute2', node: 'compute2' };

describe('what every action checks first', () => {
  it.each([
    ['an empty object', {}, 400, 'Malformed request body'],
    ['two keys', { migrate: null, x: 1 }, 400, 'Malformed request body'],
    ['an unknown action', { fly: null }, 400, 'There is no such action: fly'],
    ['a list', ['migrate'], 404, 'The resource could not be found.'],
    [
      'a state that does not exist',
      { 'os-resetState': { state: 'sleeping' } },
      400,
      "Invalid input for field/attribute state. Value: sleeping. 'sleeping' is not one of ['active', 'error']",
    ],
  ])('refuses %s', async (_name, body, status, text) => {
    const answer = await act(await fixture.server(), body);
    expect([answer.status, message(answer)]).toEqual([status, text]);
  });

  it('judges the body before it looks for the server, and the server before the policy', async () => {
    const bad = { migrate: { host: 5 } };
    const fault = "Invalid input for field/attribute host. Value: 5. 5 is not of type 'string', 'null'";
    expect(message(await act(missingId, bad, { version: '2.56' }))).toBe(fault);
    expect(message(await act(missingId, { migrate: null }, { actor: 'demo' }))).toBe(
      `Instance ${missingId} could not be found.`,
    );
    const own = await fixture.server({ project_id: fixture.projectOf('demo') });
    expect(message(await act(own, bad, { actor: 'demo', version: '2.56' }))).toBe(fault);
    expect(message(await act(own, { migrate: null }, { actor: 'demo' }))).toBe(
      "Policy doesn't allow os_compute_api:os-migrate-server:migrate to be performed.",
    );
  });

  it.each(['migrate', 'confirmResize', 'revertResize', 'os-start', 'os-stop', 'lock', 'unlock', 'resize'])(
    "does not find another project's server for %s",
    async (action) => {
      const server = await fixture.server();
      const body = { [action]: action === 'resize' ? { flavorRef: '84' } : null };
      const answer = await act(server, body, { actor: 'alice' });
      expect([answer.status, message(answer)]).toEqual([404, `Instance ${server} could not be found.`]);
    },
  );
});

describe('states', () => {
  it.each([
    ['migrate', 'migrate', { vm_state: 'paused' }, 'vm_state paused'],
    ['migrate', 'migrate', { vm_state: 'error' }, 'vm_state error'],
    ['migrate', 'migrate', { vm_state: 'building', host: null }, 'vm_state building'],
    ['migrate', 'migrate', { task_state: 'powering-off' }, 'task_state powering-off'],
    ['migrate', 'migrate', resized, 'vm_state resized'],
    ['confirmResize', 'confirmResize', {}, 'vm_state active'],
    [
      'confirmResize',
      'confirmResize',
      { ...resized, task_state: 'resize_reverting' },
      'task_state resize_reverting',
    ],
    ['revertResize', 'revertResize', {}, 'vm_state active'],
    ['os-start', 'start', {}, 'vm_state active'],
    ['os-start', 'start', resized, 'vm_state resized'],
    ['os-stop', 'stop', { vm_state: 'stopped' }, 'vm_state stopped'],
    ['os-stop', 'stop', resized, 'vm_state resized'],
    ['resize', 'resize', resized, 'vm_state resized'],
    ['os-migrateLive', 'os-migrateLive', resized, 'vm_state resized'],
  ])('%s names the state that is in its way (%#)', async (action, word, columns, state) => {
    const server = await fixture.server(columns);
    const values: Record<string, unknown> = {
      resize: { flavorRef: '84' },
      'os-migrateLive': { host: null, block_migration: 'auto' },
    };
    const answer = await act(server, { [action]: values[action] ?? null }, { version: '2.30' });
    expect([answer.status, message(answer)]).toEqual([
      409,
      `Cannot '${word}' instance ${server} while it is in ${state}`,
    ]);
  });

  it.each(['SOFT', 'HARD'] as const)('%s reboot of a resized server is refused', async (type) => {
    const server = await fixture.server(resized);
    expect((await act(server, { reboot: { type } })).status).toBe(409);
  });

  it('refuses to migrate what has never run, or has no host', async () => {
    const raw = await fixture.server({ launched_at: null });
    expect(message(await act(raw, { migrate: null }))).toBe(
      `Instance ${raw} is in an invalid state for 'migrate'`,
    );
    const homeless = await fixture.server({ host: null });
    expect(message(await act(homeless, { migrate: null }))).toBe(`Instance ${homeless} is not ready`);
  });
});

describe('migrate', () => {
  it.each([
    [{ host: 'compute1' }, 'Cannot migrate to the host where the server exists.'],
    [{ host: 'nosuchhost' }, 'Compute host nosuchhost could not be found.'],
    [{ host: '' }, "Invalid input for field/attribute host. Value: . '' is too short"],
    [
      { host: 'a b' },
      "Invalid input for field/attribute host. Value: a b. 'a b' does not match '^[a-zA-Z0-9-._]*$'",
    ],
    [
      { host: 'compute2', extra: 1 },
      "Invalid input for field/attribute migrate. Value: {'host': 'compute2', 'extra': 1}. Additional properties are not allowed ('extra' was unexpected)",
    ],
  ])('to %j is refused', async (value, text) => {
    const answer = await act(await fixture.server(), { migrate: value }, { version: '2.56' });
    expect([answer.status, message(answer)]).toEqual([400, text]);
  });

  it('ignores the value below 2.56', async () => {
    const server = await fixture.server();
    expect((await act(server, { migrate: { host: 'compute1' } }, { version: '2.55' })).status).toBe(202);
    const { rows } = await fixture.pool.query('select request from operations where instance_uuid = $1', [
      server,
    ]);
    expect(rows).toEqual([{ request: {} }]);
  });

  it('leaves migration, action, operation and wake together, and the server in RESIZE', async () => {
    const server = await fixture.server({ vm_state: 'stopped', power_state: 4, progress: 7 });
    const wakes = fixture.wakes();
    const answer = await act(server, { migrate: { host: 'compute2' } }, { version: '2.56' });
    expect([answer.status, answer.body]).toEqual([202, null]);
    expect(fixture.wakes()).toBe(wakes + 1);
    const { rows } = await fixture.pool.query(
      `select i.task_state, i.vm_state, i.progress, m.status, m.phase, m.source_compute, m.dest_compute,
              m.old_vm_state, m.requested_host, m.user_id, m.old_flavor->>'flavor_id' as flavor, o.kind, o.state, o.step,
              o.step_state, o.request, a.action, a.request_id = o.request_id and m.request_id = o.request_id as same_request,
              w.message->>'operation_id' = o.id::text as woken, w.exchange, w.routing_key
       from instances i
       join migrations m on m.instance_uuid = i.uuid
       join operations o on o.migration_uuid = m.uuid
       join instance_actions a on a.id = o.action_id
       join outbox w on w.message->>'operation_id' = o.id::text
       where i.uuid = $1`,
      [server],
    );
    expect(rows).toEqual([
      {
        task_state: 'resize_prep',
        vm_state: 'stopped',
        progress: 0,
        status: 'pre-migrating',
        phase: 'choose',
        source_compute: 'compute1',
        dest_compute: null,
        old_vm_state: 'stopped',
        requested_host: 'compute2',
        user_id: fixture.userOf('admin'),
        flavor: '42',
        kind: 'cold',
        state: 'running',
        step: null,
        step_state: 'pending',
        request: { host: 'compute2' },
        action: 'migrate',
        same_request: true,
        woken: true,
        exchange: 'drover.events',
        routing_key: 'wake',
      },
    ]);
    const shown = await fixture.send('admin', 'GET', `/servers/${server}`);
    expect(shown.body.server.status).toBe('RESIZE');
  });

  it('of two at once lets exactly one through', async () => {
    for (let round = 0; round < 10; round += 1) {
      const server = await fixture.server();
      const answers = await Promise.all([
        act(server, { migrate: null }),
        act(server, { migrate: null }, { version: '2.56' }),
        act(server, { migrate: { host: 'compute3' } }, { version: '2.56' }),
      ]);
      expect(answers.map((answer) => answer.status).sort()).toEqual([202, 409, 409]);
      const texts = answers.filter((answer) => answer.status === 409).map(message);
      const text = `Cannot 'migrate' instance ${server} while it is in task_state resize_prep`;
      expect(texts).toEqual([text, text]);
      const { rows } = await fixture.pool.query(
        `select (select count(*) from operations where instance_uuid = $1) as operations,
                (select count(*) from migrations where instance_uuid = $1) as migrations,
                (select count(*) from instance_actions where instance_uuid = $1) as actions`,
        [server],
      );
      expect(rows).toEqual([{ operations: 1, migrations: 1, actions: 1 }]);
    }
  });

  it('writes nothing at all when the last of its rows cannot be written', async () => {
    const server = await fixture.server();
    await fixture.pool.query('alter table outbox add constraint refuse_all check (false) not valid');
    try {
      expect((await act(server, { migrate: null })).status).toBe(500);
    } finally {
      await fixture.pool.query('alter table outbox drop constraint refuse_all');
    }
    const { rows } = await fixture.pool.query(
      `select task_state, (select count(*) from operations where instance_uuid = $1) as operations,
              (select count(*) from migrations where instance_uuid = $1) as migrations,
              (select count(*) from instance_actions where instance_uuid = $1) as actions
       from instances where uuid = $1`,
      [server],
    );
    expect(rows).toEqual([{ task_state: null, operations: 0, migrations: 0, actions: 0 }]);
  });

  it('is refused while the source is forced down or silent', async () => {
    const server = await fixture.server({ host: 'compute3', node: 'compute3' });
    const set = (columns: string) =>
      fixture.pool.query(`update services set ${columns} where host = 'compute3'`);
    for (const columns of ['forced_down = true', `last_seen_at = now() - interval '2 minutes'`]) {
      await set(columns);
      const answer = await act(server, { migrate: null });
      expect([answer.status, message(answer)]).toEqual([409, 'Service is unavailable at this time.']);
      await set('forced_down = false, last_seen_at = now()');
    }
  });

  it('is refused while an operation works behind reset states, and while a move is not settled', async () => {
    const busy = await fixture.server();
    await act(busy, { migrate: null });
    await act(busy, { 'os-resetState': { state: 'active' } });
    const answer = await act(busy, { migrate: null });
    expect([answer.status, message(answer)]).toEqual([
      409,
      `Cannot 'migrate' instance ${busy} while its operation 'cold' is running`,
    ]);
    const unsettled = await fixture.server();
    const migration = await fixture.finishedMigration(unsettled);
    const second = await act(unsettled, { migrate: null });
    expect(second.status).toBe(409);
    expect(message(second)).toContain(`while its migration ${migration} is finished`);
  });
});

describe('confirm and revert', () => {
  it('confirm answers 204, keeps task_state, and a second one finds nothing to confirm', async () => {
    const server = await fixture.server(resized);
    await fixture.finishedMigration(server);
    const answer = await act(server, { confirmResize: null });
    expect([answer.status, answer.body]).toEqual([204, null]);
    const { rows } = await fixture.pool.query(
      `select i.task_state, i.vm_state, m.status, o.kind, a.action
       from instances i join migrations m on m.instance_uuid = i.uuid join operations o on o.migration_uuid = m.uuid
       join instance_actions a on a.id = o.action_id where i.uuid = $1`,
      [server],
    );
    expect(rows).toEqual([
      {
        task_state: null,
        vm_state: 'resized',
        status: 'confirming',
        kind: 'confirm',
        action: 'confirmResize',
      },
    ]);
    for (const action of ['confirmResize', 'revertResize']) {
      const second = await act(server, { [action]: null });
      expect([second.status, message(second)]).toEqual([400, 'Instance has not been resized.']);
    }
  });

  it('revert answers 202 and shows REVERT_RESIZE', async () => {
    const server = await fixture.server(resized);
    await fixture.finishedMigration(server);
    expect((await act(server, { revertResize: null })).status).toBe(202);
    const shown = await fixture.send('admin', 'GET', `/servers/${server}`);
    expect(shown.body.server.status).toBe('REVERT_RESIZE');
    expect((await act(server, { revertResize: null })).status).toBe(409);
  });

  it('of confirm and revert at once lets exactly one through', async () => {
    const server = await fixture.server(resized);
    await fixture.finishedMigration(server);
    const answers = await Promise.all([
      act(server, { confirmResize: null }),
      act(server, { revertResize: null }),
    ]);
    expect(answers.filter((answer) => answer.status < 300)).toHaveLength(1);
    const { rows } = await fixture.pool.query('select kind from operations where instance_uuid = $1', [
      server,
    ]);
    expect(rows).toHaveLength(1);
  });

  it('confirm needs its source, revert does not ask', async () => {
    const source = { source_compute: 'gone', source_node: 'gone' };
    const server = await fixture.server(resized);
    await fixture.finishedMigration(server, source);
    expect(message(await act(server, { confirmResize: null }))).toBe('Service is unavailable at this time.');
    expect((await act(server, { revertResize: null })).status).toBe(202);
  });
});

describe('locks', () => {
  it('stop everybody but administrators, and owners cannot lift an administrator’s', async () => {
    const server = await fixture.server({ project_id: fixture.projectOf('demo') });
    const locked = `Instance ${server} is locked`;
    expect((await act(server, { lock: { locked_reason: 'why' } }, { version: '2.73' })).status).toBe(202);
    for (const body of [
      { 'os-stop': null },
      { reboot: { type: 'HARD' } },
      { resize: { flavorRef: '84' } },
      { confirmResize: null },
    ])
      expect(message(await act(server, body, { actor: 'demo' }))).toBe(locked);
    expect((await fixture.send('demo', 'DELETE', `/servers/${server}`)).status).toBe(409);
    expect(message(await act(server, { unlock: null }, { actor: 'demo' }))).toBe(
      "Policy doesn't allow os_compute_api:os-lock-server:unlock:unlock_override to be performed.",
    );
    const shown = await fixture.send('demo', 'GET', `/servers/${server}`, { version: '2.73' });
    expect([shown.body.server.locked, shown.body.server.locked_reason]).toEqual([true, 'why']);
    expect((await act(server, { migrate: null })).status).toBe(202);
    expect((await act(server, { unlock: null })).status).toBe(202);
    expect((await act(server, { unlock: null }, { actor: 'demo' })).status).toBe(202);
  });
});

describe('power', () => {
  it.each([
    ['os-start', { vm_state: 'stopped', power_state: 4 }, null, 'powering-on', 'start', 'start'],
    ['os-stop', {}, null, 'powering-off', 'stop', 'stop'],
    ['os-stop', { vm_state: 'error' }, null, 'powering-off', 'stop', 'stop'],
    ['reboot', {}, { type: 'soft' }, 'rebooting', 'reboot', 'reboot'],
    ['reboot', { vm_state: 'stopped' }, { type: 'HARD' }, 'rebooting_hard', 'reboot', 'reboot'],
  ])('%s of %j', async (name, columns, value, task, kind, action) => {
    const server = await fixture.server(columns);
    expect((await act(server, { [name]: value })).status).toBe(202);
    const { rows } = await fixture.pool.query(
      `select i.task_state, o.kind, a.action from instances i join operations o on o.instance_uuid = i.uuid
       join instance_actions a on a.id = o.action_id where i.uuid = $1`,
      [server],
    );
    expect(rows).toEqual([{ task_state: task, kind, action }]);
  });

  it.each([
    ['pause', "The action 'pause' is not supported by this deployment."],
    ['shelve', "The action 'shelve' is not supported by this deployment."],
  ])('%s says that it is not offered', async (name, text) => {
    const answer = await act(await fixture.server(), { [name]: null });
    expect([answer.status, message(answer)]).toEqual([400, text]);
  });
});

describe('delete', () => {
  it('is one operation however often it is asked for', async () => {
    const server = await fixture.server();
    const answers = await Promise.all(
      [1, 2, 3].map(() => fixture.send('admin', 'DELETE', `/servers/${server}`)),
    );
    expect(answers.map((answer) => answer.status)).toEqual([204, 204, 204]);
    const { rows } = await fixture.pool.query('select kind, state from operations where instance_uuid = $1', [
      server,
    ]);
    expect(rows).toEqual([{ kind: 'delete', state: 'running' }]);
  });

  it('waits behind a move and asks it to stop', async () => {
    const server = await fixture.server();
    await act(server, { migrate: null });
    expect((await fixture.send('admin', 'DELETE', `/servers/${server}`)).status).toBe(204);
    const { rows } = await fixture.pool.query(
      `select kind, state, cancel_requested_at is not null as cancelled from operations
       where instance_uuid = $1 order by created_at`,
      [server],
    );
    expect(rows).toEqual([
      { kind: 'cold', state: 'running', cancelled: true },
      { kind: 'delete', state: 'waiting', cancelled: false },
    ]);
  });
});

describe('migrations of a server', () => {
  it('lists a move under way with its progress and cancels it', async () => {
    const server = await fixture.server();
    await act(server, { migrate: null });
    await fixture.pool.query(
      'update migrations set disk_total_bytes = 10, disk_processed_bytes = 4, disk_remaining_bytes = 6 where instance_uuid = $1',
      [server],
    );
    const list = await fixture.send('admin', 'GET', `/servers/${server}/migrations`, { version: '2.80' });
    expect(list.body.migrations).toHaveLength(1);
    expect(list.body.migrations[0]).toMatchObject({
      status: 'pre-migrating',
      disk_total_bytes: 10,
      disk_processed_bytes: 4,
      disk_remaining_bytes: 6,
      server_uuid: server,
    });
    const { id } = list.body.migrations[0];
    const path = `/servers/${server}/migrations/${id}`;
    expect((await fixture.send('admin', 'GET', path, { version: '2.23' })).status).toBe(200);
    const other = await fixture.send('admin', 'DELETE', `/servers/${server}/migrations/999999`, {
      version: '2.24',
    });
    expect([other.status, message(other)]).toEqual([
      404,
      `Migration 999999 not found for instance ${server}`,
    ]);
    expect((await fixture.send('admin', 'DELETE', path, { version: '2.23' })).status).toBe(404);
    expect((await fixture.send('admin', 'DELETE', path, { version: '2.24' })).status).toBe(202);
    const { rows } = await fixture.pool.query(
      'select cancel_requested_at is not null as cancelled from operations where instance_uuid = $1',
      [server],
    );
    expect(rows).toEqual([{ cancelled: true }]);
  });

  it('answers as Nova for one that has ended', async () => {
    const server = await fixture.server(resized);
    const id = await fixture.finishedMigration(server);
    const path = `/servers/${server}/migrations`;
    expect((await fixture.send('admin', 'GET', path, { version: '2.23' })).body).toEqual({ migrations: [] });
    expect(message(await fixture.send('admin', 'GET', `${path}/${id}`, { version: '2.23' }))).toBe(
      `Migration ${id} for server ${server} is not live-migration.`,
    );
    expect(message(await fixture.send('admin', 'GET', `${path}/987654`, { version: '2.23' }))).toBe(
      `In-progress live migration 987654 is not found for server ${server}.`,
    );
    expect(message(await fixture.send('admin', 'DELETE', `${path}/${id}`, { version: '2.24' }))).toBe(
      `Instance ${server} is in an invalid state for 'abort live migration'`,
    );
  });
});
