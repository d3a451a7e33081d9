import { describe, expect, it } from 'vitest';
import { act, fixture, message, resized, useServersFixture } from './server-requests.ts';

useServersFixture();

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
