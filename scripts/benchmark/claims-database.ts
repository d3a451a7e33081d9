import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { migrateDatabase } from '../../shared/database/migrate.ts';
import { fleet } from './fleet.ts';

/**
 * A database of its own on the server, with the fleet registered in it.
 *
 * @param server URL of a PostgreSQL that may create databases
 */
export async function createClaimsDatabase(
  server: string,
  hosts: number,
): Promise<{ readonly url: string; readonly drop: () => Promise<void> }> {
  const name = `drover_bench_${randomBytes(4).toString('hex')}`;
  await run(server, (client) => client.query(`create database ${name}`));
  const url = new URL(server);
  url.pathname = `/${name}`;
  const drop = () => run(server, (client) => client.query(`drop database if exists ${name} with (force)`));
  try {
    await migrateDatabase(url.href);
    await run(url.href, (client) => register(client, hosts));
  } catch (error) {
    await drop();
    throw error;
  }
  return { url: url.href, drop };
}

async function run(url: string, work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

async function register(client: pg.Client, hosts: number): Promise<void> {
  // All of them report for as long as the measurement runs: their clock is set ahead.
  await client.query(
    `with described as (select * from jsonb_to_recordset($1::jsonb) as d(
       name text, hypervisor_type text, hypervisor_version integer, address text, enabled boolean, inventories jsonb,
       supported_instances jsonb, cpu_info jsonb)),
     made as (
       insert into services (binary_name, host, disabled, last_seen_at)
       select 'nova-compute', name, not enabled, now() + interval '1 hour' from described returning id, host)
     insert into hosts (service_id, name, hypervisor_hostname, hypervisor_type, hypervisor_version, address,
       agent_version, boot_id, report_sequence, vcpus, memory_mb, local_gb, supported_instances, cpu_info)
     select made.id, name, name, hypervisor_type, hypervisor_version, address, '1', '1', 1,
       (inventories #>> '{VCPU,total}')::integer, (inventories #>> '{MEMORY_MB,total}')::integer,
       (inventories #>> '{DISK_GB,total}')::integer, supported_instances, cpu_info
     from described join made on made.host = described.name order by name`,
    [describe(hosts)],
  );
  await client.query(
    `insert into host_inventories (host_id, resource_class, total, reserved, allocation_ratio, max_unit, used)
     select h.id, i.key, (i.value ->> 'total')::bigint, (i.value ->> 'reserved')::bigint,
       (i.value ->> 'allocation_ratio')::double precision, (i.value ->> 'max_unit')::bigint, (i.value ->> 'used')::bigint
     from jsonb_to_recordset($1::jsonb) as d(name text, inventories jsonb)
     join hosts h on h.name = d.name cross join lateral jsonb_each(d.inventories) i`,
    [describe(hosts)],
  );
  await client.query('analyze');
}

function describe(hosts: number): string {
  return JSON.stringify(Array.from(fleet(hosts, 'claims'), (host) => ({ ...host, instances: undefined })));
}
