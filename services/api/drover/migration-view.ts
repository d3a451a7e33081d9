import type { MigrationRecord, StepRecord } from './migration-query.ts';
import type { QueuePlace } from './queue-view.ts';

/** `stop` is not among them: while it is ordered the guest may still run, and before that it does. */
const stepsWithoutGuest: ReadonlySet<string> = new Set([
  'admit-again',
  'copy',
  'verify',
  'prepare',
  'retire',
  'adopt',
]);

/** A migration in Drover v1. Times are ISO 8601 in UTC, sizes in bytes; what is not known yet is null. */
export function migrationView(row: MigrationRecord, places: ReadonlyMap<string, QueuePlace>): object {
  const isUnderWay = row.operation_state === 'running';
  return {
    id: row.uuid,
    number: row.id,
    server_id: row.instance_uuid,
    type: row.migration_type,
    status: row.status,
    phase: row.phase,
    source_host: row.source_compute,
    target_host: row.dest_compute,
    requested_host: row.requested_host,
    vm_state_before: row.old_vm_state,
    reason: row.reason_code === null ? null : { code: row.reason_code, message: row.reason },
    progress: {
      round: row.round,
      disk_total_bytes: row.disk_total_bytes,
      disk_processed_bytes: row.disk_processed_bytes,
      disk_remaining_bytes: row.disk_remaining_bytes,
      sent_bytes: row.sent_bytes,
      skipped_bytes: row.skipped_bytes,
      resent_bytes: row.resent_bytes,
      rate_bytes_per_second: row.rate_bytes_per_second,
      eta_seconds: row.eta_seconds,
    },
    limit_bytes_per_second: row.limit_bytes_per_second,
    priority: row.priority ?? 0,
    paused_at: isUnderWay ? (row.paused_at?.toISOString() ?? null) : null,
    /** Of a guest that ran: true between its stop at the source and its start at the target. */
    guest_is_off: isUnderWay && row.was_running === true && stepsWithoutGuest.has(row.operation_step ?? ''),
    queue: row.turn === 'waiting' ? (places.get(row.operation_id ?? '') ?? null) : null,
    mode: row.mode,
    /** How long the guest was to be off, was expected to be when it was stopped, and was. */
    downtime: {
      budget_seconds: row.downtime_budget_seconds,
      predicted_seconds: row.predicted_downtime_seconds,
      measured_seconds: row.downtime_seconds,
    },
    /** Of a warm one: what travelled while the guest ran, and why it was stopped then. */
    rounds: row.rounds,
    precopy_ended: row.precopy_ended,
    digests: row.digests,
    decision_id: row.decision_id,
    operation:
      row.operation_id === null
        ? null
        : {
            id: row.operation_id,
            kind: row.operation_kind,
            state: row.operation_state,
            step: row.operation_step,
            attempt: row.operation_attempt,
            reason: row.operation_reason,
          },
    confirm_due_at: row.confirm_due_at?.toISOString() ?? null,
    user_id: row.user_id,
    project_id: row.project_id,
    request_id: row.request_id,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  };
}

export function stepView(row: StepRecord): object {
  return {
    operation: row.kind,
    step: row.step,
    direction: row.direction,
    attempt: row.attempt,
    host: row.host,
    event: row.event,
    summary: row.summary,
    at: row.at.toISOString(),
  };
}
