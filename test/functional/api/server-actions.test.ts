import { describe, expect, it } from 'vitest';
import { act, fixture, message, resized, useServersFixture } from './server-requests.ts';
import { missingId } from './servers-fixture.ts';

useServersFixture();

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
