import type { Queryable } from '../../../shared/database/connect.ts';

const FOREIGN_KEY_VIOLATION = '23503';

/** A process that reports itself. `is_up` is decided by the database's clock, the same for every api process. */
export interface ServiceRow {
  readonly id: number;
  readonly uuid: string;
  readonly binary_name: string;
  readonly host: string;
  readonly zone: string;
  readonly disabled: boolean;
  readonly disabled_reason: string | null;
  readonly forced_down: boolean;
  readonly is_up: boolean;
  readonly updated_at: Date | null;
}

export interface ServiceSearch {
  readonly host?: string;
  readonly binary?: string;
  readonly uuid?: string;
  readonly id?: number;
}

export interface ServiceSettings {
  readonly service_down_time_seconds: number;
  readonly default_availability_zone: string;
}

/** In the order of their registration. Zone: that of the host's aggregate, `internal` for anything but nova-compute. */
export async function listServices(
  database: Queryable,
  search: ServiceSearch,
  settings: ServiceSettings,
): Promise<ServiceRow[]> {
  const { rows } = await database.query<ServiceRow>(
    `select s.id, s.uuid, s.binary_name, s.host, s.disabled, s.disabled_reason, s.forced_down,
            not s.forced_down
              and coalesce(s.last_seen_at > now() - make_interval(secs => $1), false) as is_up,
            greatest(s.updated_at, s.last_seen_at) as updated_at,
            case when s.binary_name <> 'nova-compute' then 'internal' else coalesce(
              (select a.metadata->>'availability_zone' from hosts h
                 join aggregate_hosts ah on ah.host_id = h.id join aggregates a on a.id = ah.aggregate_id
                where h.service_id = s.id and a.metadata ? 'availability_zone' limit 1), $2) end as zone
     from services s
     where ($3::text is null or s.host = $3) and ($4::text is null or s.binary_name = $4)
       and ($5::uuid is null or s.uuid = $5) and ($6::integer is null or s.id = $6)
     order by s.id`,
    [
      settings.service_down_time_seconds,
      settings.default_availability_zone,
      search.host ?? null,
      search.binary ?? null,
      search.uuid ?? null,
      search.id ?? null,
    ],
  );
  return rows;
}

export interface ServiceChange {
  readonly disabled?: boolean;
  readonly disabled_reason?: string | null;
  readonly forced_down?: boolean;
}

/** Schedulers learn of it by the trigger on services, which raises the host's generation. */
export async function changeService(database: Queryable, id: number, change: ServiceChange): Promise<void> {
  await database.query(
    `update services set
       disabled = coalesce($2, disabled),
       disabled_reason = case when $2 is null then disabled_reason else $3 end,
       forced_down = coalesce($4, forced_down),
       updated_at = now()
     where id = $1`,
    [id, change.disabled ?? null, change.disabled_reason ?? null, change.forced_down ?? null],
  );
}

/** What keeps a service from being deleted. A server that is being built is nowhere yet, but has its claim there. */
export async function servicesUse(
  database: Queryable,
  host: string,
): Promise<{ readonly instances: number; readonly migrations: number }> {
  const { rows } = await database.query<{ instances: number; migrations: number }>(
    `select (select count(*) from instances i where i.deleted_at is null and (i.host = $1 or exists (
               select from claims c join hosts h on h.id = c.host_id
               where h.name = $1 and c.instance_uuid = i.uuid and c.consumer_kind = 'instance'))) as instances,
            (select count(*) from migrations where $1 in (source_compute, dest_compute)
               and status in ('pre-migrating', 'migrating', 'post-migrating', 'finished', 'confirming', 'reverting')
            ) as migrations`,
    [host],
  );
  return rows[0] ?? { instances: 0, migrations: 0 };
}

/**
 * With its host, inventories and aggregate memberships. An agent that still reports registers anew.
 * @returns false when somebody has a claim on the host: it was made after `servicesUse` had looked
 */
export async function deleteService(database: Queryable, id: number): Promise<boolean> {
  try {
    await database.query(`delete from services where id = $1`, [id]);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === FOREIGN_KEY_VIOLATION) return false;
    throw error;
  }
}
