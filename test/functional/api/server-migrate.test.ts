import { describe, expect, it } from 'vitest';
import { act, fixture, message, useServersFixture } from './server-requests.ts';

useServersFixture();

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
