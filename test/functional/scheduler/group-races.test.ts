import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { OperationId } from '../../../shared/domain/ids.ts';
import { agents, atRest, counted, places, useSchedulerPair, wakeAll, watchBooks } from './scheduler-pair.ts';
import { pool } from './cluster-database.ts';
import { addColdMigration, addInstance, addNewInstance, addOperation } from './rows.ts';

useSchedulerPair();

describe('server groups under races', { timeout: 120_000 }, () => {
  async function group(policy: string, max_server_per_host: number | null = null): Promise<string> {
    const uuid = randomUUID();
    await pool.query(
      `insert into server_groups (uuid, project_id, user_id, name, policy, max_server_per_host)
       values ($1, 'p', 'u', 'g', $2, $3)`,
      [uuid, policy, max_server_per_host],
    );
    return uuid;
  }

  const perGroupAndHost = `
    select max(c.count)::int as value from (
      select i.server_group_uuid, c.host_id, count(distinct i.uuid) as count
      from instances i join claims c on c.instance_uuid = i.uuid
      group by 1, 2) c`;

  test('anti-affinity: members that are created at once are never together, and one too many is told so', async () => {
    await places(200);
    const operations: OperationId[] = [];
    for (let number = 0; number < 20; number += 1) {
      const uuid = await group('anti-affinity');
      for (let member = 0; member < 4; member += 1) {
        operations.push(await addOperation(pool, await addNewInstance(pool, { group: uuid }), 'create'));
      }
    }
    await watchBooks(wakeAll(operations).then(() => atRest(60)));
    expect((await pool.query(perGroupAndHost)).rows).toEqual([{ value: 1 }]);
    expect(await counted('select vm_state as key, count(*)::int as count from instances group by 1')).toEqual(
      {
        active: 60,
        error: 20,
      },
    );
    const { rows } = await pool.query<{ message: string }>('select message from instance_faults');
    for (const { message } of rows)
      expect(message).toMatch(/^No valid host was found\. .*anti-affinity group/);
  });

  test('anti-affinity holds for members that move at once: each counts at both its hosts', async () => {
    await places(200);
    const operations: OperationId[] = [];
    for (let number = 0; number < 20; number += 1) {
      const uuid = await group('anti-affinity');
      const members = [
        await addInstance(pool, 'compute1', { group: uuid }),
        await addInstance(pool, 'compute2', { group: uuid }),
      ];
      for (const member of members) operations.push((await addColdMigration(pool, member)).operation);
    }
    await watchBooks(wakeAll(operations).then(() => atRest(60)));
    expect((await pool.query(perGroupAndHost)).rows).toEqual([{ value: 1 }]);
    expect(await counted('select status as key, count(*)::int as count from migrations group by 1')).toEqual({
      error: 20,
      finished: 20,
    });
  });

  test('a member of an affinity group cannot move alone, and every record says why', async () => {
    await places(200);
    const uuid = await group('affinity');
    const instance = await addInstance(pool, 'compute1', { group: uuid });
    await addInstance(pool, 'compute1', { group: uuid });
    const { operation } = await addColdMigration(pool, instance);
    await agents.wake(operation);
    await atRest(20);
    const { rows } = await pool.query(
      `select i.vm_state, i.task_state, i.host, m.status, m.reason, f.message as fault, e.details as event,
              d.summary as decision
       from instances i join migrations m on m.instance_uuid = i.uuid
       join decisions d on d.id = m.decision_id join instance_faults f on f.instance_uuid = i.uuid
       join operations o on o.migration_uuid = m.uuid
       join instance_action_events e on e.action_id = o.action_id and e.result = 'Error'`,
    );
    const why =
      'No valid host was found. 2 of 3 hosts: ServerGroupAffinityFilter (holds no member of the affinity group, ' +
      'whose members must stay together on compute1) 2; 1 host: HostSelection (left out: the server ' +
      'is there) 1';
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows) {
      expect(row).toEqual({
        vm_state: 'active',
        task_state: null,
        host: 'compute1',
        status: 'error',
        reason: why,
        fault: why,
        event: why,
        decision: why,
      });
    }
    expect(agents.commands).toEqual([]);
  });
});
