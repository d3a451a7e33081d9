import type { Pool } from '../../../shared/database/connect.ts';
import type { StepProgress } from '../../../shared/messaging/messages.ts';
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
 * It writes only while the operation is still at that try of that step, so a late one changes nothing.
 */
export class ProgressWriter {
  readonly #pool: Pool;
  readonly #settings: ProgressSettings;
  readonly #written = new Map<string, number>();

  constructor(pool: Pool, settings: ProgressSettings) {
    this.#pool = pool;
    this.#settings = settings;
  }

  /** @param now_milliseconds of a monotonic clock. @returns whether it was written. */
  async take(event: StepProgress, now_milliseconds: number): Promise<boolean> {
    const last = this.#written.get(event.operation_id);
    if (last !== undefined && now_milliseconds - last < this.#settings.interval_milliseconds) return false;
    this.#written.set(event.operation_id, now_milliseconds);
    this.#forgetOld(now_milliseconds);
    const { progress } = event;
    const try_of_step = [
      event.operation_id,
      event.step,
      event.attempt,
      event.direction === 'undo' ? 'unwinding' : 'running',
      this.#settings.stall_timeout_seconds,
    ];
    if (progress === null) {
      const { rowCount } = await this.#pool.query(prepared(atWorkSql, try_of_step));
      return rowCount !== 0;
    }
    const { rowCount } = await this.#pool.query(
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
    return rowCount !== 0;
  }

  #forgetOld(now_milliseconds: number): void {
    if (this.#written.size < 10_000) return;
    for (const [operation, at] of this.#written) {
      if (now_milliseconds - at > this.#settings.interval_milliseconds) this.#written.delete(operation);
    }
  }
}

/** Of a host that is at work and has nothing to count: the bytes of the migration are another step's to tell. */
const atWorkSql = `
  update operations o set deadline_at = now() + make_interval(secs => $5)
  where o.id = $1 and o.step = $2 and o.attempt = $3 and o.state = $4 and o.step_state = 'ordered'`;

/** The lease is not touched: hearing of a step is not driving it. The instance is locked first, as everywhere. */
const progressSql = `
  with at_step as (
    select o.id, o.instance_uuid, o.migration_uuid from operations o
    where o.id = $1 and o.step = $2 and o.attempt = $3 and o.state = $4 and o.step_state = 'ordered'
  ), instance_row as (
    update instances set progress = $14 from at_step
    where uuid = at_step.instance_uuid and progress is distinct from $14
    returning uuid
  ), migration_row as (
    update migrations m set round = $6, disk_total_bytes = $7, disk_processed_bytes = $8, disk_remaining_bytes = $9,
      sent_bytes = $10, skipped_bytes = $11, rate_bytes_per_second = $12, eta_seconds = $13, updated_at = now()
    from at_step where m.uuid = at_step.migration_uuid
    returning m.uuid
  )
  update operations o set deadline_at = now() + make_interval(secs => $5)
  from at_step
  where o.id = at_step.id and o.step = $2 and o.attempt = $3 and o.state = $4
    and (select count(*) from instance_row) >= 0`;
