import { randomBytes, randomUUID } from 'node:crypto';
import pg from 'pg';
import { migrateDatabase } from '../../shared/database/migrate.ts';
import { seededRandom } from '../../services/scheduler/placement/random.ts';
import { fleet, fleetRequest } from './fleet.ts';

/**
 * A database of its own on the server, with the fleet registered in it and moves that are to be given a host: their
 * requests are accepted, a scheduler drives them, the next thing is the choice.
 *
 * @param server URL of a PostgreSQL that may create databases
 */
export async function createClaimsDatabase(
  server: string,
  hosts: number,
  moves: number,
): Promise<{ readonly url: string; readonly drop: () => Promise<void> }> {
  const name = `drover_bench_${randomBytes(4).toString('hex')}`;
  await run(server, (client) => client.query(`create database ${name}`));
  const url = new URL(server);
  url.pathname = `/${name}`;
  const drop = () => run(server, (client) => client.query(`drop database if exists ${name} with (force)`));
  try {
    await migrateDatabase(url.href);
    await run(url.href, async (client) => {
      await register(client, hosts);
      await request(client, hosts, moves);
      await client.query('analyze');
    });
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
}

/** So many moves of servers of the fleet, as the api and the machine leave them before the choice. */
async function request(client: pg.Client, hosts: number, moves: number): Promise<void> {
  const random = seededRandom('moves');
  const asked = Array.from({ length: moves }, () => {
    // Number 0: a plain move, the flavor of which is drawn.
    const { flavor, resources, ignore_hosts } = fleetRequest(0, hosts, random);
    return {
      id: randomUUID(),
      migration: randomUUID(),
      operation: randomUUID(),
      flavor,
      resources,
      source: ignore_hosts[0],
    };
  });
  await client.query(
    `create temporary table asked as select * from jsonb_to_recordset($1::jsonb)
       as a(id uuid, migration uuid, operation uuid, flavor jsonb, resources jsonb, source text)`,
    [JSON.stringify(asked)],
  );
  await client.query(`
    insert into instances (uuid, project_id, user_id, name, hostname, reservation_id, flavor, host, node, epoch, vm_state,
      task_state, power_state, launched_at)
      select id, 'p', 'u', 'guest', 'guest', 'r-1', flavor, source, source, 1, 'active', 'resize_prep', 1, now() from asked;
    insert into claims (host_id, consumer_uuid, consumer_kind, instance_uuid, resource_class, amount)
      select h.id, a.id, 'instance', a.id, r.key, r.value::bigint
      from asked a join hosts h on h.name = a.source cross join lateral jsonb_each_text(a.resources) r;
    insert into migrations (uuid, instance_uuid, migration_type, status, phase, source_compute, source_node, old_flavor,
      new_flavor, old_vm_state, user_id, project_id, request_id)
      select migration, id, 'migration', 'pre-migrating', 'choose', source, source, flavor, flavor, 'active', 'u', 'p',
        'req-' || id from asked;
    insert into instance_actions (instance_uuid, action, request_id, user_id, project_id)
      select id, 'migrate', 'req-' || id, 'u', 'p' from asked;
    insert into instance_action_events (action_id, event)
      select a.id, e.name from instance_actions a cross join (values ('conductor_migrate_server'), ('cold_migrate')) e(name);
    insert into operations (id, kind, instance_uuid, migration_uuid, action_id, request_id, user_id, project_id, step,
      step_state)
      select a.operation, 'cold', a.id, a.migration, n.id, n.request_id, 'u', 'p', 'choose', 'ordered'
      from asked a join instance_actions n on n.instance_uuid = a.id`);
}

function describe(hosts: number): string {
  return JSON.stringify(Array.from(fleet(hosts, 'claims'), (host) => ({ ...host, instances: undefined })));
}
