import type { Queryable } from '../../../shared/database/connect.ts';

/** What the servers of a project took in a period. Amounts are sums of figure × hours. */
export interface ProjectUsage {
  readonly project_id: string;
  readonly hours: number;
  readonly vcpu_hours: number;
  readonly memory_mb_hours: number;
  readonly local_gb_hours: number;
  /** Null unless asked for. */
  readonly servers: readonly ServerUsage[] | null;
}

export interface ServerUsage {
  readonly uuid: string;
  readonly name: string;
  readonly flavor_name: string;
  readonly vcpus: number;
  readonly memory_mb: number;
  readonly local_gb: number;
  readonly state: string;
  readonly hours: number;
  /** ISO 8601, as the database writes times into JSON. */
  readonly started_at: string | null;
  readonly ended_at: string | null;
  readonly uptime_seconds: number;
}

export interface UsageSearch {
  readonly start: Date;
  readonly stop: Date;
  /** Null: all projects. */
  readonly project_id: string | null;
  readonly with_servers: boolean;
  /** Servers, not projects: a page may end within a project. Null: no limit. */
  readonly limit: number | null;
  /** The last server of the page before. */
  readonly marker: string | null;
}

export interface UsagePage {
  readonly projects: readonly ProjectUsage[];
  /** How many servers the page counts, and the last of them. */
  readonly server_count: number;
  readonly last_server: string | null;
}

/**
 * Sums inside the database: one row per project comes back, however many servers there are. A server counts from its
 * launch to its end, cut to the period; one that never ran counts with no time, as in Nova.
 * The order is that of numbers, which is that of requests.
 */
export async function readUsage(database: Queryable, search: UsageSearch): Promise<UsagePage> {
  const { rows } = await database.query<ProjectUsage & { server_count: number; last_id: number }>(
    `with page as (
       select i.id, i.uuid, i.project_id, i.name, i.vm_state, i.launched_at,
              coalesce(i.terminated_at, i.deleted_at) as ended_at,
              i.flavor->>'name' as flavor_name, (i.flavor->>'vcpus')::bigint as vcpus,
              (i.flavor->>'memory_mb')::bigint as memory_mb,
              (i.flavor->>'root_gb')::bigint + (i.flavor->>'ephemeral_gb')::bigint as local_gb
       from instances i
       where i.created_at < $2 and coalesce(i.terminated_at, i.deleted_at, 'infinity') > $1
         and (i.launched_at is null or i.launched_at < $2)
         and ($3::text is null or i.project_id = $3)
         and ($4::uuid is null or i.id > (select id from instances where uuid = $4))
       order by i.id limit $5
     ), timed as (
       -- greatest and least skip nulls, so the server that never ran is told apart first
       select *, case when launched_at is null then 0 else greatest(0, extract(epoch from
           least(ended_at, $2) - greatest(launched_at, $1)))::double precision / 3600 end as hours
       from page
     )
     select project_id, sum(hours) as hours, sum(hours * vcpus) as vcpu_hours,
            sum(hours * memory_mb) as memory_mb_hours, sum(hours * local_gb) as local_gb_hours,
            count(*)::integer as server_count, max(id) as last_id,
            case when $6 then jsonb_agg(jsonb_build_object(
              'uuid', uuid, 'name', name, 'flavor_name', flavor_name, 'vcpus', vcpus, 'memory_mb', memory_mb,
              'local_gb', local_gb, 'hours', hours, 'started_at', launched_at, 'ended_at', ended_at,
              'state', case when ended_at is null then vm_state else 'terminated' end,
              'uptime_seconds', coalesce(floor(extract(epoch from coalesce(ended_at, now()) - launched_at)), 0)
            ) order by id) end as servers
     from timed group by project_id order by min(id)`,
    [search.start, search.stop, search.project_id, search.marker, search.limit, search.with_servers],
  );
  return {
    projects: rows,
    server_count: rows.reduce((sum, row) => sum + row.server_count, 0),
    last_server: await uuidOf(database, Math.max(0, ...rows.map((row) => row.last_id))),
  };
}

/** Whether a marker names a server, also one that is gone. */
export async function isServer(database: Queryable, uuid: string): Promise<boolean> {
  const { rowCount } = await database.query(`select from instances where uuid = $1`, [uuid]);
  return rowCount === 1;
}

async function uuidOf(database: Queryable, id: number): Promise<string | null> {
  if (id === 0) return null;
  const { rows } = await database.query<{ uuid: string }>(`select uuid from instances where id = $1`, [id]);
  return rows[0]?.uuid ?? null;
}
