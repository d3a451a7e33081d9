import type { Queryable } from '../../../shared/database/connect.ts';
import type { HostName } from '../../../shared/domain/ids.ts';
import { prepared } from '../drive/statement.ts';

/** A host's row as far as it changes often. */
export interface HostMark {
  readonly id: number;
  readonly name: HostName;
  readonly generation: number;
  readonly forced_down: boolean;
  /** Microseconds since 1970 by the clock of who wrote it: only whether it differs matters. */
  readonly last_seen: number | null;
  readonly age_seconds: number | null;
}

export interface HostMarks {
  /** Where to begin the next time. */
  readonly horizon: string;
  /** Rises when a host is removed. */
  readonly removed_generations: number;
  readonly marks: readonly HostMark[];
}

const columns = `h.id, h.name, h.generation, s.forced_down, (extract(epoch from s.last_seen_at) * 1000000)::bigint as last_seen,
            extract(epoch from now() - s.last_seen_at)::double precision as age_seconds`;

/**
 * The horizon is the oldest transaction that is still open in this statement's own view: all before it are seen here,
 * whatever commits later is at or after it. Something may be read twice so, nothing is missed.
 */
const seen = `
  with seen as materialized (
    select pg_snapshot_xmin(pg_current_snapshot())::text as horizon,
           (select generations from removed_host_generations) as removed_generations)`;

const allSql = `${seen}
  select seen.*, m.* from seen left join lateral (
    select ${columns} from hosts h join services s on s.id = h.service_id) m on true`;

/**
 * Nothing is above the upper end. It is there for the planner: without values it takes a range for narrow and uses the
 * index, and a single bound for a third of the table.
 */
const LAST_TRANSACTION = '18446744073709551615';

const changedSql = `${seen}
  select seen.*, m.* from seen left join lateral (
    select ${columns} from hosts h join services s on s.id = h.service_id
    where h.id in (
      select host_id from host_changes where changed_in between $1::xid8 and $3::xid8
      union select unnest($2::integer[]))
  ) m on true`;

type Row = { readonly horizon: string; readonly removed_generations: number } & (
  HostMark | { readonly id: null }
);

/** Every host, with its generation. A scan: for the first time, and to see which hosts still report. */
export async function readAllMarks(database: Queryable): Promise<HostMarks> {
  return marksOf((await database.query<Row>(prepared(allSql, []))).rows);
}

/**
 * Hosts that placement may see otherwise than before: a few rows, found by an index.
 * @param since the horizon of the last time @param further ids of hosts to be read whether they have changed or not.
 */
export async function readChangedMarks(
  database: Queryable,
  since: string,
  further: readonly number[],
): Promise<HostMarks> {
  return marksOf((await database.query<Row>(prepared(changedSql, [since, further, LAST_TRANSACTION]))).rows);
}

function marksOf(rows: readonly Row[]): HostMarks {
  const first = rows[0];
  if (first === undefined) throw new Error('the marks of hosts always have one row at least');
  return {
    horizon: first.horizon,
    removed_generations: first.removed_generations ?? 0,
    marks: rows.filter((row) => row.id !== null),
  };
}

/** What a look at a host that is known tells: whether it still reports, and whether it has changed unnoticed. */
export type HostGlance = Omit<HostMark, 'name'>;

const GLANCE_BYTES = 21;
const MICROSECONDS = 1_000_000;

/**
 * One row for all of them, packed: as rows of their own, ten thousand hosts took a hundred milliseconds to send and to
 * read, all of which this process could do nothing else.
 */
const glancesSql = `
  select (extract(epoch from now()) * 1000000)::bigint as now_microseconds,
         string_agg(int4send(id) || int8send(generation) || int8send(coalesce(last_seen, -1))
           || case when forced_down then '\\x01'::bytea else '\\x00'::bytea end, ''::bytea) as packed
  from (select ${columns} from hosts h join services s on s.id = h.service_id
        where h.id > $1 order by h.id limit $2) m`;

/** Looks at so many hosts with ids above `after`, in the order of their ids. Fewer come only at the end. */
export async function readGlances(database: Queryable, after: number, count: number): Promise<HostGlance[]> {
  const { rows } = await database.query<{ now_microseconds: number; packed: Buffer | null }>(
    prepared(glancesSql, [after, count]),
  );
  const [row] = rows;
  const packed = row?.packed ?? Buffer.alloc(0);
  const glances: HostGlance[] = [];
  for (let at = 0; at < packed.length; at += GLANCE_BYTES) {
    const last_seen = Number(packed.readBigInt64BE(at + 12));
    const is_known = last_seen >= 0;
    glances.push({
      id: packed.readInt32BE(at),
      generation: Number(packed.readBigInt64BE(at + 4)),
      forced_down: packed[at + 20] === 1,
      last_seen: is_known ? last_seen : null,
      age_seconds: is_known ? ((row?.now_microseconds ?? 0) - last_seen) / MICROSECONDS : null,
    });
  }
  return glances;
}
