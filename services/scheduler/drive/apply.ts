import type { World } from '../migration/model.ts';
import type { Change, InstancePatch, MigrationPatch, OperationPatch } from '../migration/outcome.ts';
import { restingMigrationStatuses } from '../../../shared/domain/states.ts';
import type { TransferProgress } from '../../../shared/messaging/messages.ts';
import { releaseAllClaims, releaseSourceClaim, returnClaimsToSource } from '../claims/release.ts';
import { hostsOfClaims, lockHosts } from '../claims/lock-hosts.ts';
import { addEvents, addStepLog } from './history.ts';
import type { RowChanges } from './row-changes.ts';
import type { LoadedOperation } from './world.ts';
import type { Transaction } from './transaction.ts';

/** What changes of claims need of hosts: locked all at once before the first is touched. */
export async function lockHostsOf(
  transaction: Transaction,
  loaded: LoadedOperation,
  changes: readonly Change[],
): Promise<void> {
  if (!needsHosts(changes)) return;
  const movesClaims = changes.some(isOfClaims);
  const home = changes.find(isOfHome);
  const { instance, migration } = loaded.world;
  const hosts = movesClaims ? await hostsOfClaims(transaction, instance.id) : [];
  if (home?.type === 'instance') {
    for (const host of [home.set.host, instance.host, migration?.source_host, migration?.target_host]) {
      if (host !== undefined && host !== null) hosts.push(host);
    }
  }
  await lockHosts(transaction, hosts);
}

/** Whether the changes touch claims or homes, and with them rows of hosts. */
export function needsHosts(changes: readonly Change[]): boolean {
  return changes.some((change) => isOfClaims(change) || isOfHome(change));
}

const isOfClaims = (change: Change): boolean => change.type.startsWith('claims_');
const isOfHome = (change: Change): boolean => change.type === 'instance' && change.set.host !== undefined;

/**
 * Applies a decision's changes: claims by their own statements, in order; everything else gathered in `rows`, which
 * the caller writes with one statement. The union of changes is closed: a new kind does not compile until it is here.
 * @returns the statements sent; none of them has been waited for.
 */
export function applyChanges(
  transaction: Transaction,
  loaded: LoadedOperation,
  changes: readonly Change[],
  rows: RowChanges,
): Array<Promise<unknown>> {
  const sent: Array<Promise<unknown>> = [];
  const { operation, instance, migration } = loaded.world;
  for (const change of changes) {
    switch (change.type) {
      case 'operation':
        setOperation(rows, change.set);
        break;
      case 'instance':
        setInstance(rows, change.set, loaded);
        break;
      case 'migration':
        if (migration !== null) setMigration(rows, change.set);
        break;
      case 'progress':
        if (migration !== null && change.progress !== null) setProgress(rows, change.progress);
        break;
      case 'claims_back_to_source':
        if (migration !== null) {
          sent.push(
            returnClaimsToSource(transaction, {
              instance_id: instance.id,
              migration_id: migration.id,
              source_host: migration.source_host,
            }),
          );
        }
        break;
      case 'claims_release_source':
        if (migration !== null) sent.push(releaseSourceClaim(transaction, migration.id));
        break;
      case 'claims_release_all':
        sent.push(releaseAllClaims(transaction, instance.id));
        break;
      case 'action_finish':
        finishAction(rows, loaded, change.message);
        break;
      case 'fault':
        addFault(rows, change, instance);
        break;
      case 'instance_deleted':
        rows.setExpression('instances', 'deleted_at', 'now()');
        rows.setExpression('instances', 'terminated_at', 'now()');
        // Nova's list of migrations shows none of a deleted server. Its own statement: this one writes the same row.
        sent.push(
          transaction.query(
            'update migrations set deleted_at = now() where instance_uuid = $1 and deleted_at is null',
            [instance.id],
          ),
        );
        break;
      case 'image_abandoned':
        sent.push(
          transaction.query(
            `update images set status = 'deleted', deleted_at = now(), updated_at = now()
             where id = $1 and status in ('queued', 'saving')`,
            [change.image_id],
          ),
        );
        break;
      case 'step_log':
      case 'event_start':
      case 'event_finish':
        break;
      default:
        change satisfies never;
    }
  }
  addStepLog(rows, operation.id, changes);
  addEvents(rows, loaded.action_id, changes);
  return sent;
}

function setOperation(rows: RowChanges, set: OperationPatch): void {
  const isEnded = set.state === 'done' || set.state === 'unwound';
  rows.set('operations', {
    state: set.state,
    step: set.step,
    step_state: set.step_state,
    attempt: set.attempt,
    recoveries: set.recoveries,
    facts: set.facts === undefined ? undefined : JSON.stringify(set.facts),
    turn: set.turn,
    turn_tag: set.turn_tag,
  });
  if (set.cancel_requested === true) {
    rows.setExpression('operations', 'cancel_requested_at', 'coalesce(cancel_requested_at, now())');
  }
  setReason(rows, 'operations', set.reason);
  if (set.reason !== undefined) rows.set('operations', { reason_step: set.reason?.step ?? null });
  setDue(rows, 'operations', 'deadline_at', set.deadline_seconds);
  if (isEnded) rows.setExpression('operations', 'finished_at', 'now()');
}

function setInstance(rows: RowChanges, set: InstancePatch, loaded: LoadedOperation): void {
  rows.set('instances', {
    host: set.host,
    node: set.node,
    epoch: set.epoch,
    vm_state: set.vm_state,
    ...(set.task_state === null ? {} : { task_state: set.task_state }),
    power_state: set.power_state,
    progress: set.progress,
    availability_zone: set.availability_zone,
    flavor: set.flavor === undefined ? undefined : JSON.stringify(set.flavor),
  });
  if (set.task_state === null) {
    // A delete that waits behind this operation has told the user already that the server is being deleted.
    const waits = `exists (select from operations where instance_uuid = ${rows.add(loaded.world.instance.id, 'uuid')}
      and kind = 'delete' and state = 'waiting')`;
    rows.setExpression('instances', 'task_state', `case when ${waits} then 'deleting' end`);
  }
  if (set.launched === true) rows.setExpression('instances', 'launched_at', 'now()');
  if (set.host === undefined) return;
  // Placement sees which instances are where; the rows are locked (lockHostsOf).
  const { instance, migration } = loaded.world;
  const hosts = [set.host, instance.host, migration?.source_host, migration?.target_host];
  const names = rows.add([...new Set(hosts.filter((host) => host !== null && host !== undefined))]);
  rows.part(
    `update hosts set generation = generation + 1, updated_at = now() where name = any(${names}::text[])`,
  );
}

function setMigration(rows: RowChanges, set: MigrationPatch): void {
  const rests = restingMigrationStatuses.some((status) => status === set.status);
  rows.set('migrations', {
    status: set.status,
    phase: set.phase,
    dest_compute: set.target_host,
    dest_node: set.target_node,
    dest_host: set.target_address,
    was_running: set.was_running,
    decision_id: set.decision_id,
    sent_bytes: set.sent_bytes,
    skipped_bytes: set.skipped_bytes,
    resent_bytes: set.resent_bytes,
    rounds: set.rounds === undefined ? undefined : JSON.stringify(set.rounds),
    precopy_ended: set.precopy_ended,
    predicted_downtime_seconds: set.predicted_downtime_seconds,
  });
  // A stop that is ordered again does not begin anew; an end that is told twice ends once.
  if (set.downtime === 'begins')
    rows.setExpression('migrations', 'guest_stopping_at', 'coalesce(guest_stopping_at, now())');
  if (set.downtime === 'ends')
    rows.setExpression(
      'migrations',
      'downtime_seconds',
      'coalesce(downtime_seconds, extract(epoch from now() - guest_stopping_at))',
    );
  setReason(rows, 'migrations', set.reason);
  if (set.digests !== undefined) {
    rows.setExpression('migrations', 'digests', `digests || ${rows.add(JSON.stringify(set.digests))}::jsonb`);
  }
  setDue(rows, 'migrations', 'confirm_due_at', set.confirm_due_seconds);
  if (rests) rows.setExpression('migrations', 'finished_at', 'now()');
}

/** What a copy has done so far; the server's `progress` follows, in whole percent. */
function setProgress(rows: RowChanges, progress: TransferProgress): void {
  rows.set('migrations', {
    round: progress.round,
    disk_total_bytes: progress.disk_total_bytes,
    disk_processed_bytes: progress.disk_processed_bytes,
    disk_remaining_bytes: progress.disk_remaining_bytes,
    sent_bytes: progress.sent_bytes,
    skipped_bytes: progress.skipped_bytes,
    rate_bytes_per_second: Math.round(progress.rate_bytes_per_second),
    eta_seconds: progress.eta_seconds === null ? null : Math.round(progress.eta_seconds),
  });
  rows.set('instances', { progress: percentOf(progress) });
}

export function percentOf(progress: TransferProgress): number {
  if (progress.disk_total_bytes <= 0) return 100;
  const percent = Math.floor((100 * progress.disk_processed_bytes) / progress.disk_total_bytes);
  return Math.min(Math.max(percent, 0), 100);
}

function setReason(
  rows: RowChanges,
  table: 'operations' | 'migrations',
  reason: OperationPatch['reason'],
): void {
  if (reason === undefined) return;
  rows.set(table, { reason_code: reason?.code ?? null, reason: reason?.message ?? null });
}

/** A moment that many seconds from now by the database's clock; null: none. */
function setDue(
  rows: RowChanges,
  table: 'operations' | 'migrations',
  column: string,
  seconds: number | null | undefined,
): void {
  if (seconds === undefined) return;
  const expression =
    seconds === null
      ? 'null'
      : `now() + make_interval(secs => ${rows.add(seconds, 'double precision')}::double precision)`;
  rows.setExpression(table, column, expression);
}

function finishAction(rows: RowChanges, loaded: LoadedOperation, message: string | null): void {
  if (loaded.action_id === null) return;
  rows.part(
    `update instance_actions set finished_at = now(), updated_at = now(), message = ${rows.add(message)}
     where id = ${rows.add(loaded.action_id)}`,
  );
}

/** Nova's column: what is longer is cut, and stands whole in the details, which are the administrator's. */
const FAULT_MESSAGE_LENGTH_MAX = 255;

function addFault(
  rows: RowChanges,
  fault: Extract<Change, { type: 'fault' }>,
  instance: World['instance'],
): void {
  const isLong = fault.message.length > FAULT_MESSAGE_LENGTH_MAX;
  const message = isLong ? `${fault.message.slice(0, FAULT_MESSAGE_LENGTH_MAX - 1)}…` : fault.message;
  const details = isLong ? `${fault.message}\n${fault.details ?? ''}` : fault.details;
  const values = [instance.id, fault.code, message, details, instance.host];
  rows.part(
    `insert into instance_faults (instance_uuid, code, message, details, host)
     values (${values.map((value) => rows.add(value)).join(', ')})`,
  );
}
