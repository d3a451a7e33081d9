import { describe, expect, test } from 'vitest';
import { commands, instance, scheduler, useDrivers } from './drivers.ts';
import { pool } from './cluster-database.ts';
import { addColdMigration } from './rows.ts';

useDrivers();

describe('auto-confirm', () => {
  async function finished(due: string): Promise<string> {
    const { operation, migration } = await addColdMigration(pool, instance);
    await pool.query(`update operations set state = 'done' where id = $1`, [operation]);
    await pool.query(`update instances set vm_state = 'resized', task_state = null`);
    await pool.query(
      `update migrations set status = 'finished', dest_compute = 'c2', dest_node = 'c2', confirm_due_at = now() + $1::interval`,
      [due],
    );
    return migration;
  }

  test('happens when its stored moment has come, once, however many schedulers look', async () => {
    await finished('-1 second');
    await Promise.all(['a', 'b', 'c'].map((name) => scheduler(name).reconciler.look()));
    const { rows } = await pool.query(
      `select o.kind, o.request, m.status, m.confirm_due_at, a.action from operations o
       join migrations m on m.uuid = o.migration_uuid join instance_actions a on a.id = o.action_id
       where o.kind = 'confirm'`,
    );
    expect(rows).toEqual([
      {
        kind: 'confirm',
        request: { automatic: true },
        status: 'confirming',
        confirm_due_at: null,
        action: 'confirmResize',
      },
    ]);
    expect((await commands()).map(({ command }) => command)).toEqual(['check']);
  });

  test('is not kept from its turn by a hundred that were due before and cannot be confirmed', async () => {
    const migration = await finished('-1 second');
    await pool.query(
      `with stuck as (
         insert into instances (uuid, project_id, user_id, name, hostname, reservation_id, flavor, vm_state)
         select gen_random_uuid(), project_id, user_id, name, hostname, reservation_id, flavor, 'error'
         from instances, generate_series(1, 100) where uuid = $1 returning uuid
       )
       insert into migrations (uuid, instance_uuid, migration_type, status, phase, source_compute, source_node,
         old_flavor, new_flavor, old_vm_state, user_id, project_id, request_id, confirm_due_at)
       select gen_random_uuid(), stuck.uuid, 'migration', 'finished', 'verify-resize', source_compute, source_node,
         old_flavor, new_flavor, old_vm_state, user_id, project_id, request_id, now() - interval '1 hour'
       from stuck, migrations where migrations.uuid = $2`,
      [instance, migration],
    );
    await scheduler('one').reconciler.look();
    const { rows } = await pool.query(`select migration_uuid from operations where kind = 'confirm'`);
    expect(rows).toEqual([{ migration_uuid: migration }]);
  });

  test.for([
    ['before its moment', '10 seconds', 'select 1'],
    [
      'while the server is being reverted',
      '-1 second',
      `update instances set task_state = 'resize_reverting'`,
    ],
    ['when somebody confirmed it by hand', '-1 second', `update migrations set status = 'confirming'`],
  ] as const)('does not happen %s', async ([, due, sql]) => {
    await finished(due);
    await pool.query(sql);
    await scheduler('one').reconciler.look();
    const { rows } = await pool.query(`select from operations where kind = 'confirm'`);
    expect(rows).toHaveLength(0);
  });
});
