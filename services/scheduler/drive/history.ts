import type { OperationId } from '../../../shared/domain/ids.ts';
import type { Change } from '../migration/outcome.ts';
import type { RowChanges } from './row-changes.ts';

/** Append-only records of one decision: our step log, and Nova's instance-action events. */

/** Rows of operation_steps, in the order of the decision. */
export function addStepLog(rows: RowChanges, operation: OperationId, changes: readonly Change[]): void {
  const entries = changes.filter((change) => change.type === 'step_log');
  if (entries.length === 0) return;
  const list = entries.map(({ type: _type, details, ...entry }) => ({ ...entry, details: details ?? null }));
  rows.part({
    insert_into: 'operation_steps (operation_id, step, direction, attempt, host, event, summary, details)',
    select: `
      select ${rows.add(operation, 'uuid')}::uuid, step, direction, attempt, host, event, summary, details
      from jsonb_to_recordset(${rows.add(JSON.stringify(list), 'jsonb')}::jsonb)
        as e(step text, direction text, attempt integer, host text, event text, summary text, details jsonb)`,
  });
}

interface Event {
  readonly event: string;
  readonly host: string | null;
  readonly result: 'Success' | 'Error' | null;
  readonly details: string | null;
}

/**
 * Events begun and ended by one decision. One that begins and ends within it is inserted as ended, because a
 * statement does not see the rows that it inserts itself.
 */
export function addEvents(rows: RowChanges, action_id: number | null, changes: readonly Change[]): void {
  if (action_id === null) return;
  const begun: Event[] = [];
  const ended: Event[] = [];
  for (const change of changes) {
    if (change.type === 'event_start') {
      begun.push({ event: change.event, host: change.host, result: null, details: null });
    } else if (change.type === 'event_finish') {
      const at = begun.findIndex((entry) => entry.event === change.event && entry.result === null);
      const entry = begun[at];
      if (entry === undefined) ended.push({ ...change, host: null });
      else begun[at] = { ...entry, result: change.result, details: change.details };
    }
  }
  if (begun.length > 0) {
    rows.part({
      insert_into: 'instance_action_events (action_id, event, host, finished_at, result, details)',
      select: `
        select ${rows.add(action_id, 'bigint')}::bigint, event, host, case when result is not null then now() end,
               result, details
        from jsonb_to_recordset(${rows.add(JSON.stringify(begun), 'jsonb')}::jsonb)
          as e(event text, host text, result text, details text)`,
    });
  }
  if (ended.length > 0) {
    const list = JSON.stringify(ended.map(({ event, result, details }) => ({ event, result, details })));
    rows.part({
      update: 'instance_action_events a',
      set: 'finished_at = now(), result = e.result, details = e.details',
      from: `jsonb_to_recordset(${rows.add(list, 'jsonb')}::jsonb) as e(event text, result text, details text)`,
      where: `a.action_id = ${rows.add(action_id, 'bigint')} and a.event = e.event and a.finished_at is null`,
    });
  }
}
