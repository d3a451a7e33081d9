import type { Queryable } from '../../../shared/database/connect.ts';
import { conditionList } from '../queries/search-conditions.ts';

/** A migration with the operation that drove it last, as Drover v1 shows it. */
export interface MigrationRecord {
  readonly uuid: string;
  readonly id: number;
  readonly instance_uuid: string;
  readonly migration_type: string;
  readonly status: string;
  readonly phase: string;
  readonly source_compute: string;
  readonly dest_compute: string | null;
  readonly requested_host: string | null;
  readonly old_vm_state: string;
  readonly reason_code: string | null;
  readonly reason: string | null;
  readonly round: number;
  readonly disk_total_bytes: number | null;
  readonly disk_processed_bytes: number | null;
  readonly disk_remaining_bytes: number | null;
  readonly sent_bytes: number | null;
  readonly skipped_bytes: number | null;
  readonly resent_bytes: number | null;
  readonly rate_bytes_per_second: number | null;
  readonly eta_seconds: number | null;
  readonly limit_bytes_per_second: number;
  readonly was_running: boolean | null;
  readonly digests: object;
  readonly mode: 'cold' | 'warm';
  readonly downtime_budget_seconds: number | null;
  readonly rounds: readonly object[];
  readonly precopy_ended: string | null;
  readonly predicted_downtime_seconds: number | null;
  readonly downtime_seconds: number | null;
  readonly decision_id: string | null;
  readonly confirm_due_at: Date | null;
  readonly user_id: string;
  readonly project_id: string;
  readonly request_id: string;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly operation_id: string | null;
  readonly operation_kind: string | null;
  readonly operation_state: string | null;
  readonly operation_step: string | null;
  readonly operation_attempt: number | null;
  readonly operation_reason: string | null;
  readonly priority: number | null;
  readonly paused_at: Date | null;
  readonly turn: 'waiting' | 'held' | null;
}

export interface MigrationWish {
  readonly server?: string;
  readonly host?: string;
  readonly status?: string;
  /** UUID or number. */
  readonly migration?: string;
  /** UUID of the last one of the page before. */
  readonly marker?: string;
  readonly limit: number;
}

/** Newest first. The newest operation of each migration is joined laterally: one query for a page. */
export async function findMigrations(database: Queryable, wish: MigrationWish): Promise<MigrationRecord[]> {
  const search = conditionList([wish.limit]);
  if (wish.server !== undefined) search.add(`m.instance_uuid = ${search.place(wish.server)}`);
  if (wish.status !== undefined) search.add(`m.status = ${search.place(wish.status)}`);
  if (wish.host !== undefined) {
    const place = search.place(wish.host);
    search.add(`(m.source_compute = ${place} or m.dest_compute = ${place})`);
  }
  if (wish.migration !== undefined) {
    search.add(
      /^\d+$/.test(wish.migration)
        ? `m.id = ${search.place(Number(wish.migration))}`
        : `m.uuid = ${search.place(wish.migration)}`,
    );
  }
  if (wish.marker !== undefined) {
    search.add(`m.id < (select id from migrations where uuid = ${search.place(wish.marker)})`);
  }
  const where = search.conditions.length > 0 ? `where ${search.conditions.join(' and ')}` : '';
  const { rows } = await database.query<MigrationRecord>(
    `select m.*, o.id as operation_id, o.kind as operation_kind, o.state as operation_state,
            o.step as operation_step, o.attempt as operation_attempt, o.reason as operation_reason,
            o.priority, o.paused_at, o.turn
     from migrations m
     left join lateral (
       select * from operations where migration_uuid = m.uuid order by created_at desc limit 1
     ) o on true
     ${where} order by m.id desc limit $1`,
    search.parameters,
  );
  return rows;
}

export interface StepRecord {
  readonly kind: string;
  readonly step: string;
  readonly direction: string;
  readonly attempt: number;
  readonly host: string | null;
  readonly event: string;
  readonly summary: string | null;
  readonly at: Date;
}

/** Everything that was ordered and answered for one migration: its cold, confirm and revert operations in order. */
export async function findSteps(database: Queryable, migration_uuid: string): Promise<StepRecord[]> {
  const { rows } = await database.query<StepRecord>(
    `select o.kind, s.step, s.direction, s.attempt, s.host, s.event, s.summary, s.at
     from operations o join operation_steps s on s.operation_id = o.id
     where o.migration_uuid = $1 order by s.id`,
    [migration_uuid],
  );
  return rows;
}
