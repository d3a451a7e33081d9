import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Chooser } from '../../../services/scheduler/drive/choose.ts';
import { Turns } from '../../../services/scheduler/drive/turns.ts';
import type { HostSnapshot } from '../../../services/scheduler/snapshot/host-snapshot.ts';
import type { OperationId } from '../../../shared/domain/ids.ts';
import { beginPatiently, pool, useClusterDatabase, wrongBooks } from './cluster-database.ts';
import { addHost, addNewInstance, addOperation } from './rows.ts';
import { driveServices } from './drive-services.ts';

/** Choices that share a transaction, on a real database. */
let snapshot: HostSnapshot;
let chooser: Chooser;

useClusterDatabase();
beforeEach(async () => {
  await pool.query('truncate instances, hosts, services, claims, outbox, decisions, server_groups cascade');
  for (const host of ['c1', 'c2']) await addHost(pool, host);
  const services = driveServices('one', { lease_seconds: 60 });
  ({ snapshot } = services);
  await snapshot.refresh();
  chooser = new Chooser(services, new Turns());
});
afterEach(async () => {
  expect(await wrongBooks(pool)).toEqual([]);
});

/** So many creates whose next thing is the choice. */
async function ordered(count: number, group?: string): Promise<OperationId[]> {
  const operations: OperationId[] = [];
  for (let number = 0; number < count; number += 1) {
    const instance = await addNewInstance(pool, group === undefined ? {} : { group });
    operations.push(await addOperation(pool, instance, 'create'));
  }
  await pool.query(`update operations set step = 'choose', step_state = 'ordered'`);
  return operations;
}

const chooseAll = async (operations: readonly OperationId[]) =>
  await Promise.all(
    operations.map((operation_id) =>
      chooser.choose({ operation_id, ignore_hosts: [], fencing: 0, attempt: 0 }),
    ),
  );

async function rowsOf(sql: string): Promise<unknown[]> {
  return (await pool.query<Record<string, unknown>>(sql)).rows;
}

const perHost = `
  select h.name, count(*)::int from claims c join hosts h on h.id = c.host_id where resource_class = 'VCPU'
  group by 1 order by 1`;

test('choices that come together are committed together, each with its record and its command', async () => {
  const afters = await chooseAll(await ordered(20));
  expect(afters.every((after) => after?.has_commands)).toBe(true);
  expect(await rowsOf('select count(distinct xmin::text)::int as transactions from decisions')).toEqual([
    { transactions: 1 },
  ]);
  expect(
    await rowsOf(
      `select count(*)::int, count(distinct d.id)::int as decisions, count(distinct c.host_id)::int as hosts,
         (select count(*)::int from outbox) as commands
       from operations o join decisions d on d.instance_uuid = o.instance_uuid
       join claims c on c.instance_uuid = o.instance_uuid and c.resource_class = 'VCPU' where o.step = 'spawn'`,
    ),
  ).toEqual([{ count: 20, decisions: 20, hosts: 2, commands: 20 }]);
});

test('those that are refused fail by themselves: they go elsewhere, or are told why', async () => {
  const operations = await ordered(12);
  // What another scheduler has just done and this one does not know yet: seven places are left.
  snapshot.refresh = () => Promise.resolve();
  await pool.query(
    `update host_inventories n set total = case when h.name = 'c1' then 5 else 2 end, reserved = 0,
       allocation_ratio = 1 from hosts h where h.id = n.host_id and n.resource_class = 'VCPU'`,
  );
  const afters = await chooseAll(operations);
  expect(afters.filter((after) => after?.has_commands)).toHaveLength(7);
  expect(await rowsOf(perHost)).toEqual([
    { name: 'c1', count: 5 },
    { name: 'c2', count: 2 },
  ]);
  const faults = await rowsOf('select distinct left(message, 90) as message from instance_faults');
  expect(JSON.stringify(faults)).toMatch(/No valid host was found\..*Refused when claimed: /);
});

test('members of a group that are placed together are kept apart', async () => {
  const group = randomUUID();
  await pool.query(
    `insert into server_groups (uuid, project_id, user_id, name, policy) values ($1, 'p', 'u', 'g', 'anti-affinity')`,
    [group],
  );
  const afters = await chooseAll(await ordered(3, group));
  expect(afters.filter((after) => after?.has_commands)).toHaveLength(2);
  expect(await rowsOf(perHost)).toEqual([
    { name: 'c1', count: 1 },
    { name: 'c2', count: 1 },
  ]);
});

test('one whose rows somebody else has waits alone, and the others do not wait for it', async () => {
  const [held, ...others] = await ordered(4);
  if (held === undefined) throw new Error('no operation');
  const holder = await pool.connect();
  const waiting = (async () => {
    try {
      await beginPatiently(holder);
      await holder.query('select from operations where id = $1 for update', [held]);
      const late = chooseAll([held]);
      expect((await chooseAll(others)).every((after) => after?.has_commands)).toBe(true);
      await holder.query('commit');
      return await late;
    } finally {
      holder.release();
    }
  })();
  expect((await waiting).every((after) => after?.has_commands)).toBe(true);
});

test('what this process has claimed itself is known without being read again', async () => {
  await chooseAll(await ordered(2));
  const before = snapshot.current();
  await snapshot.refresh();
  expect(snapshot.current()).toBe(before);
  const { rows } = await pool.query<{ name: string; used: number }>(
    `select h.name, n.used from host_inventories n join hosts h on h.id = n.host_id where resource_class = 'VCPU' order by 1`,
  );
  expect(
    snapshot.current().hosts.map(({ name, inventories }) => ({ name, used: inventories.VCPU?.used })),
  ).toEqual(rows);
  expect(snapshot.current().hosts.map(({ instances }) => instances.size)).toEqual([1, 1]);
});
