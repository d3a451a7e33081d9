import { beforeEach, describe, expect, test, vi } from 'vitest';
import { hostName } from '../../../shared/domain/ids.ts';
import { ingestReport } from '../../../services/scheduler/hosts/ingest-report.ts';
import { reportOwnServices } from '../../../services/scheduler/hosts/own-heartbeat.ts';
import { syncReportedGuests } from '../../../services/scheduler/hosts/power-state.ts';
import { beginPatiently, pool, useClusterDatabase } from './cluster-database.ts';
import { addInstance, addOperation, initialRatios, reportOf } from './rows.ts';

useClusterDatabase();
beforeEach(async () => {
  await pool.query('truncate instances, hosts, services, claims, aggregates cascade');
});

async function value(sql: string, ...values: unknown[]): Promise<unknown> {
  const { rows } = await pool.query<Record<string, unknown>>(sql, values);
  return rows[0];
}

const report = (changes: Parameters<typeof reportOf>[1]) =>
  ingestReport(pool, reportOf('c1', changes), initialRatios);

describe('a report', () => {
  test('registers a host with its service and inventories, with the initial ratios', async () => {
    expect(await report({})).toBe('registered');
    expect(await value(`select binary_name, disabled from services where host = 'c1'`)).toEqual({
      binary_name: 'nova-compute',
      disabled: false,
    });
    const { rows } = await pool.query(
      'select resource_class, total, reserved, allocation_ratio, max_unit from host_inventories order by 1',
    );
    expect(rows).toEqual([
      { resource_class: 'DISK_GB', total: 1024, reserved: 0, allocation_ratio: 1, max_unit: 1024 },
      { resource_class: 'MEMORY_MB', total: 65536, reserved: 512, allocation_ratio: 1.5, max_unit: 65536 },
      { resource_class: 'VCPU', total: 64, reserved: 0, allocation_ratio: 16, max_unit: 64 },
    ]);
  });

  test('that says nothing new is a heartbeat: the host row and its generation stay', async () => {
    await report({});
    await pool.query(`update services set last_seen_at = now() - interval '1 minute'`);
    const before = await value('select generation, updated_at, xmin::text from hosts');
    expect(await report({ sequence: 2, uptime: 'up 2 days' })).toBe('heartbeat');
    expect(await value('select generation, updated_at, xmin::text from hosts')).toEqual(before);
    expect(
      await value(`select last_seen_at > now() - interval '5 seconds' as fresh, report_count from services`),
    ).toEqual({ fresh: true, report_count: 2 });
  });

  test('an older one of the same boot is dropped, a new boot starts over', async () => {
    await report({ sequence: 5 });
    expect(await report({ sequence: 4, address: '127.9.9.9' })).toBe('late');
    expect(await value('select address from hosts')).toEqual({ address: '127.0.1.1' });
    expect(await report({ sequence: 1, boot_id: 'boot-2', address: '127.9.9.9' })).toBe('changed');
    expect(await value('select address, report_sequence from hosts')).toEqual({
      address: '127.9.9.9',
      report_sequence: 1,
    });
  });

  test('locks instances before its host, as the drivers do', async () => {
    await report({});
    const instance = await addInstance(pool, 'c1');
    const client = await pool.connect();
    try {
      await beginPatiently(client);
      await client.query('select from instances where uuid = $1 for update', [instance]);
      const guests = [{ instance_id: instance, epoch: 1, power_state: 4 }] as const;
      const taking = report({ sequence: 2, guests });
      await vi.waitUntil(
        async () =>
          (
            await pool.query(
              `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
            )
          ).rowCount === 1,
        { timeout: 5000, interval: 5 },
      );
      await client.query(`select from hosts where name = 'c1' for update nowait`);
      await client.query('commit');
      expect(await taking).toBe('changed');
    } finally {
      client.release();
    }
    expect(await value('select vm_state from instances')).toEqual({ vm_state: 'stopped' });
  });

  test('that is late says nothing of guests', async () => {
    await report({ sequence: 5 });
    const instance = await addInstance(pool, 'c1');
    const guests = [{ instance_id: instance, epoch: 1, power_state: 4 }] as const;
    expect(await report({ sequence: 4, guests })).toBe('late');
    expect(await value('select vm_state from instances')).toEqual({ vm_state: 'active' });
  });

  test('changes what it says has changed, keeps used, and an explicit ratio always counts', async () => {
    await report({});
    await pool.query(
      `update host_inventories set allocation_ratio = 3, used = 7 where resource_class = 'VCPU'`,
    );
    const inventory = { vcpus: 32, memory_mb: 65_536, local_gb: 1024, disk_available_bytes: 2 ** 40 };
    await report({ sequence: 2, inventory });
    const vcpu = `select total, used, allocation_ratio from host_inventories where resource_class = 'VCPU'`;
    expect(await value(vcpu)).toEqual({ total: 32, used: 7, allocation_ratio: 3 });
    await report({ sequence: 3, inventory, allocation_ratios: { vcpu: 4, memory_mb: null, disk_gb: null } });
    expect(await value(vcpu)).toEqual({ total: 32, used: 7, allocation_ratio: 4 });
  });

  test('does not enable a host that an operator disabled', async () => {
    await report({});
    await pool.query('update services set disabled = true');
    await report({ sequence: 2, address: '127.9.9.9' });
    expect(await value('select disabled from services')).toEqual({ disabled: true });
  });
});

describe('power states that hosts find', () => {
  const cases = [
    { vm: 'active', was: 1, found: 4, becomes: 'stopped', power: 4 },
    { vm: 'active', was: 1, found: 6, becomes: 'stopped', power: 6 },
    { vm: 'stopped', was: 4, found: 1, becomes: 'active', power: 1 },
    { vm: 'resized', was: 1, found: 4, becomes: 'resized', power: 4 },
    { vm: 'error', was: 1, found: 4, becomes: 'error', power: 1 },
    { vm: 'active', was: 1, found: 99, becomes: 'active', power: 1 },
  ];
  test.for(cases)('$vm found with $found becomes $becomes', async ({ vm, was, found, becomes, power }) => {
    await report({});
    const instance = await addInstance(pool, 'c1');
    await pool.query('update instances set vm_state = $1, power_state = $2', [vm, was]);
    await syncReportedGuests(pool, hostName('c1'), [{ instance_id: instance, epoch: 1, power_state: found }]);
    expect(await value('select vm_state, power_state from instances')).toEqual({
      vm_state: becomes,
      power_state: power,
    });
  });

  test.for([
    ['another host', 'c2', 1, null],
    ['an old epoch', 'c1', 0, null],
    ['an instance that an operation is at', 'c1', 1, 'stop'],
  ] as const)('from %s is not believed', async ([, host, epoch, kind]) => {
    await report({});
    const instance = await addInstance(pool, 'c1');
    if (kind !== null) await addOperation(pool, instance, kind);
    await syncReportedGuests(pool, hostName(host), [{ instance_id: instance, epoch, power_state: 4 }]);
    expect(await value('select vm_state, power_state from instances')).toEqual({
      vm_state: 'active',
      power_state: 1,
    });
  });
});

test('a scheduler shows itself and the conductor that Nova clients look for', async () => {
  await reportOwnServices(pool, 'control');
  await reportOwnServices(pool, 'control');
  const { rows } = await pool.query('select binary_name, host, report_count from services order by 1');
  expect(rows).toEqual([
    { binary_name: 'nova-conductor', host: 'control', report_count: 2 },
    { binary_name: 'nova-scheduler', host: 'control', report_count: 2 },
  ]);
});
