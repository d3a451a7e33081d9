import type { Pool } from '../../../shared/database/connect.ts';
import type { OperationId } from '../../../shared/domain/ids.ts';
import type { StepProgress, TransferProgress } from '../../../shared/messaging/messages.ts';
import type { Lost } from '../migration/machine-event.ts';
import { percentOf } from './apply.ts';
import { prepared } from './statement.ts';

export interface ProgressSettings {
  /** Silence that a long step is allowed, counted anew from each sign of life. */
  readonly stall_timeout_seconds: number;
  /** Written at most this often per operation; what comes between is dropped, the next one says more. */
  readonly interval_milliseconds: number;
}

/**
 * Takes signs of life of long steps past the machine: one statement, no lock held while anything is decided.
 * It writes only while the operation is still at that try of that step, so a late one changes nothing, and only for the
 * host that was asked: a migration's two hosts know the same operation, and neither may speak for the other.
 */
export class ProgressWriter {
  readonly #pool: Pool;
  readonly #tellAgain: (operation: OperationId, lost: Lost) => Promise<unknown>;
  readonly #settings: ProgressSettings;
  readonly #written = new Map<string, number>();

  /** @param tellAgain called when a copy goes on otherwise than its row has wanted for a while */
  constructor(
    pool: Pool,
    settings: ProgressSettings,
    tellAgain: (operation: OperationId, lost: Lost) => Promise<unknown>,
  ) {
    this.#pool = pool;
    this.#tellAgain = tellAgain;
    this.#settings = settings;
  }

  /** @param now_milliseconds of a monotonic clock. @returns whether it was written. */
  async take(event: StepProgress, now_milliseconds: number): Promise<boolean> {
    // By host, so that one that was not asked cannot use up the turn of the one that was.
    const speaker = `${event.operation_id} ${event.host}`;
    const last = this.#written.get(speaker);
    if (last !== undefined && now_milliseconds - last < this.#settings.interval_milliseconds) return false;
    this.#written.set(speaker, now_milliseconds);
    this.#forgetOld(now_milliseconds);
    const { progress } = event;
    const try_of_step = [
      event.operation_id,
      event.step,
      event.attempt,
      event.direction === 'undo' ? 'unwinding' : 'running',
      this.#settings.stall_timeout_seconds,
      event.host,
    ];
    if (progress === null || stepsWithoutBytes.has(event.step)) {
      const { rowCount } = await this.#pool.query(prepared(atWorkSql, try_of_step));
      return rowCount !== 0;
    }
    const { rowCount, rows } = await this.#pool.query<Wanted>(
      prepared(progressSql, [
        ...try_of_step,
        progress.round,
        progress.disk_total_bytes,
        progress.disk_processed_bytes,
        progress.disk_remaining_bytes,
        progress.sent_bytes,
        progress.skipped_bytes,
        Math.round(progress.rate_bytes_per_second),
        progress.eta_seconds === null ? null : Math.round(progress.eta_seconds),
        percentOf(progress),
      ]),
    );
    const [row] = rows;
    const lost = row === undefined ? null : lostIn(progress, row);
    if (lost !== null) await this.#tellAgain(event.operation_id, lost);
    return rowCount !== 0;
  }

  #forgetOld(now_milliseconds: number): void {
    if (this.#written.size < 10_000) return;
    for (const [speaker, at] of this.#written) {
      if (now_milliseconds - at > this.#settings.interval_milliseconds) this.#written.delete(speaker);
    }
  }
}

interface Wanted {
  readonly wants_pause: boolean;
  /** Null: nobody asked for one. */
  readonly wants_limit: number | null;
  readonly is_settled: boolean;
}

/** A sender that was started anew by an old order does not know of what was changed since. */
function lostIn(progress: TransferProgress, wanted: Wanted): Lost | null {
  const { paused, limit_bytes_per_second: limit } = progress;
  if (!wanted.is_settled) return null;
  if (paused !== undefined && paused !== wanted.wants_pause) return 'pause';
  if (limit !== undefined && wanted.wants_limit !== null && limit !== wanted.wants_limit) return 'limit';
  return null;
}

/** Whatever their host says: what they fetch is an image, not the migration's disks. */
const stepsWithoutBytes: ReadonlySet<string> = new Set(['admit', 'admit-running', 'admit-again', 'spawn']);

/**
 * The host that the order went to, as the plans have it; null, and so nobody, for steps that tell no progress.
 * Here and not by asking the plan: that would read the operation's whole world for each sign.
 */
const askedHostSql = `
  case when o.step in ('survey', 'connect', 'precopy', 'copy', 'extract', 'upload') then (select host from instances where uuid = o.instance_uuid)
    when o.step in ('admit', 'admit-running', 'admit-again', 'spawn', 'verify', 'prepare') then o.facts -> 'choose' ->> 'host' end`;

/** Of a host that is at work and has nothing to count: the bytes of the migration are another step's to tell. */
const atWorkSql = `
  update operations o set deadline_at = now() + make_interval(secs => $5)
  where o.id = $1 and o.step = $2 and o.attempt = $3 and o.state = $4 and o.step_state = 'ordered'
    and $6 = ${askedHostSql}`;

/**
 * The lease is not touched: hearing of a step is not driving it. The instance is locked first, as everywhere.
 * Verifying sends nothing: its zeros must not take the place of what the copy has sent.
 */
const progressSql = `
  with at_step as (
    select o.id, o.step, o.instance_uuid, o.migration_uuid from operations o
    where o.id = $1 and o.step = $2 and o.attempt = $3 and o.state = $4 and o.step_state = 'ordered'
      and $6 = ${askedHostSql}
  ), instance_row as (
    update instances set progress = $15 from at_step
    where uuid = at_step.instance_uuid and progress is distinct from $15
    returning uuid
  ), migration_row as (
    update migrations m set disk_total_bytes = $8, disk_processed_bytes = $9, disk_remaining_bytes = $10,
      round = case when at_step.step = 'verify' then m.round else $7 end,
      sent_bytes = case when at_step.step = 'verify' then m.sent_bytes else $11 end,
      skipped_bytes = case when at_step.step = 'verify' then m.skipped_bytes else $12 end,
      rate_bytes_per_second = $13, eta_seconds = $14, updated_at = now()
    from at_step where m.uuid = at_step.migration_uuid
    returning m.uuid
  )
  update operations o set deadline_at = now() + make_interval(secs => $5)
  from at_step
  where o.id = at_step.id and o.step = $2 and o.attempt = $3 and o.state = $4
    and (select count(*) from instance_row) >= 0
  returning o.paused_at is not null as wants_pause,
    (o.request ->> 'limit_bytes_per_second')::bigint as wants_limit, o.updated_at < now() - interval '2 seconds' as is_settled`;
