import type { Queryable } from '../../../shared/database/connect.ts';

/** A move that has ended, as far as metrics tell of it. */
export interface EndedMigration {
  readonly id: string;
  readonly outcome: 'finished' | 'error' | 'cancelled';
  readonly reason_code: string | null;
  readonly sent_bytes: number | null;
  readonly skipped_bytes: number | null;
  readonly resent_bytes: number | null;
  readonly steps: ReadonlyArray<{ readonly step: string; readonly seconds: number }>;
  /** Null: the guest was off before, or did not get to the target. */
  readonly downtime_seconds: number | null;
}

export interface MadeDecision {
  readonly id: string;
  readonly kind: string;
  readonly found: boolean;
}

/** A transaction may be committed so much later than the moment that it writes. */
const OVERLAP_SECONDS = 60;
const ROWS_MAX = 20_000;

/**
 * Reads what is new since the last read, each row once. Rows show up in the order of their commits, not of their
 * times: a little of what was read before is read again, and what is known is left out.
 */
export class EndedReader {
  readonly #database: Queryable;
  /** As text, so that it keeps its microseconds. */
  #since: string | null = null;
  #known = new Set<string>();

  constructor(database: Queryable) {
    this.#database = database;
  }

  /** The first read finds nothing: it sets the moment from which is counted. */
  async read(): Promise<{
    readonly migrations: readonly EndedMigration[];
    readonly decisions: readonly MadeDecision[];
  }> {
    const { rows } = await this.#database.query<{ now: string }>(`select now()::text as now`);
    const now = rows[0]?.now ?? null;
    const since = this.#since;
    const first = since === null;
    const from = since ?? now;
    const migrations = await this.#database.query<EndedMigration>(endedSql, [
      from,
      OVERLAP_SECONDS,
      ROWS_MAX,
    ]);
    const decisions = await this.#database.query<MadeDecision>(decisionsSql, [
      from,
      OVERLAP_SECONDS,
      ROWS_MAX,
    ]);
    // Not before all was read: what a failed read would have found is found by the next one.
    this.#since = now;
    const known = this.#known;
    this.#known = new Set([...migrations.rows, ...decisions.rows].map(({ id }) => id));
    const isNew = ({ id }: { readonly id: string }): boolean => !first && !known.has(id);
    return { migrations: migrations.rows.filter(isNew), decisions: decisions.rows.filter(isNew) };
  }
}

const endedSql = `
  select o.id, case when o.state = 'done' then 'finished' when o.reason_code = 'cancelled' then 'cancelled'
           else 'error' end as outcome,
         o.reason_code, m.sent_bytes, m.skipped_bytes, m.resent_bytes,
         (select coalesce(jsonb_agg(jsonb_build_object('step', step, 'seconds', seconds)), '[]') from
           (select s.step, extract(epoch from max(s.at) filter (where s.event = 'done')
                     - min(s.at) filter (where s.event in ('ordered', 'queued')))::double precision as seconds
            from operation_steps s where s.operation_id = o.id and s.direction = 'action' group by s.step) t
          where seconds is not null) as steps,
         case when o.state = 'done' and m.was_running then
           (select extract(epoch from max(s.at) filter (where s.step = 'adopt' and s.event = 'done')
                     - max(s.at) filter (where s.step = 'stop' and s.event = 'done'))::double precision
            from operation_steps s where s.operation_id = o.id and s.direction = 'action') end as downtime_seconds
  from operations o join migrations m on m.uuid = o.migration_uuid
  where o.finished_at > $1::timestamptz - make_interval(secs => $2) and o.kind = 'cold'
    and o.state in ('done', 'unwound')
  order by o.finished_at desc limit $3`;

const decisionsSql = `
  select id, kind, chosen_host is not null as found from decisions
  where created_at > $1::timestamptz - make_interval(secs => $2)
  order by created_at desc limit $3`;
