import type { Queryable } from '../../../shared/database/connect.ts';

type Counts = Readonly<Record<string, number>>;

/** What the cluster is at now, in numbers. */
export interface ClusterState {
  readonly transfers: Counts;
  readonly operations: Counts;
  readonly migrations: Counts;
  readonly hosts: Counts;
  readonly queue_oldest_seconds: number;
  readonly rate_bytes_per_second: number;
  /** Of the copies under way, running or paused: bytes by what they are, the longest estimate, the highest round. */
  readonly transfer_bytes: Counts;
  readonly eta_seconds: number;
  readonly round: number;
  readonly outbox_messages: number;
  readonly outbox_lag_seconds: number;
}

/** One statement over what is under way; nothing that has ended is read. */
export async function readClusterState(
  database: Queryable,
  service_down_seconds: number,
): Promise<ClusterState> {
  const { rows } = await database.query<ClusterState>(stateSql, [service_down_seconds]);
  const [state] = rows;
  if (state === undefined) throw new Error('the state of the cluster could not be read');
  return state;
}

const stateSql = `
  with live as (
    select state, step, turn, paused_at, created_at, migration_uuid from operations
    where state in ('waiting', 'running', 'unwinding', 'stuck')
  ), transfer as (
    select case when paused_at is not null then 'paused' when turn = 'waiting' then 'queued'
             when step in ('precopy', 'copy') then 'running' end as state, created_at, migration_uuid
    from live where state = 'running'
  ), host as (
    select case when s.forced_down or coalesce(s.last_seen_at < now() - make_interval(secs => $1), true) then 'down'
             when s.disabled then 'disabled' else 'up' end as state
    from hosts h join services s on s.id = h.service_id
  )
  select
    (select coalesce(jsonb_object_agg(state, n), '{}') from
      (select state, count(*) as n from transfer where state is not null group by 1) c) as transfers,
    (select coalesce(jsonb_object_agg(state, n), '{}') from
      (select state, count(*) as n from live group by 1) c) as operations,
    (select coalesce(jsonb_object_agg(status, n), '{}') from
      (select status, count(*) as n from migrations where status in ('pre-migrating', 'migrating', 'post-migrating',
         'finished', 'confirming', 'reverting') group by 1) c) as migrations,
    (select coalesce(jsonb_object_agg(state, n), '{}') from
      (select state, count(*) as n from host group by 1) c) as hosts,
    (select coalesce(extract(epoch from now() - min(created_at)), 0)::double precision
       from transfer where state = 'queued') as queue_oldest_seconds,
    (select coalesce(sum(m.rate_bytes_per_second), 0)::double precision
       from transfer t join migrations m on m.uuid = t.migration_uuid
      where t.state = 'running') as rate_bytes_per_second,
    progress.transfer_bytes, progress.eta_seconds, progress.round,
    (select count(*) from outbox) as outbox_messages,
    (select coalesce(extract(epoch from now() - min(created_at)), 0)::double precision
       from outbox) as outbox_lag_seconds
  from (
    select coalesce(max(m.eta_seconds) filter (where t.state = 'running'), 0) as eta_seconds,
      coalesce(max(m.round), 0) as round,
      jsonb_build_object('total', coalesce(sum(m.disk_total_bytes), 0),
        'processed', coalesce(sum(m.disk_processed_bytes), 0),
        'remaining', coalesce(sum(m.disk_remaining_bytes), 0), 'sent', coalesce(sum(m.sent_bytes), 0),
        'skipped', coalesce(sum(m.skipped_bytes), 0)) as transfer_bytes
    from transfer t join migrations m on m.uuid = t.migration_uuid where t.state in ('running', 'paused')
  ) progress`;
