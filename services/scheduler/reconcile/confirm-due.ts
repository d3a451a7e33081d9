import { randomUUID } from 'node:crypto';
import type { Pool } from '../../../shared/database/connect.ts';
import {
  operationId,
  type InstanceId,
  type MigrationId,
  type OperationId,
} from '../../../shared/domain/ids.ts';
import { transact, type Transaction } from '../drive/transaction.ts';

interface Due {
  readonly migration_uuid: MigrationId;
  readonly instance_uuid: InstanceId;
}

/**
 * `resize_confirm_window`: confirms what has been in VERIFY_RESIZE for long enough. The moment is a stored column, so
 * a restart neither forgets nor repeats it. What is written is what the api writes for `confirmResize`.
 * @returns the operations made; the caller starts them.
 */
export async function confirmDue(pool: Pool): Promise<OperationId[]> {
  // Only what may be confirmed now: others would stay first in the list for ever and keep the rest from their turn.
  const { rows } = await pool.query<Due>(
    `select m.uuid as migration_uuid, m.instance_uuid from migrations m join instances i on i.uuid = m.instance_uuid
     where m.confirm_due_at <= now() and ${isReady} order by m.confirm_due_at limit 100`,
  );
  const made: OperationId[] = [];
  for (const due of rows) {
    const operation = await transact(pool, (transaction) => confirm(transaction, due));
    if (operation !== null) made.push(operation);
  }
  return made;
}

/** In VERIFY_RESIZE, with nothing else at it. */
const isReady = `i.vm_state = 'resized' and i.task_state is null and i.deleted_at is null and m.status = 'finished'
  and not exists (select from operations o where o.instance_uuid = i.uuid
    and o.state in ('waiting', 'running', 'unwinding', 'stuck'))`;

/** Null: somebody was faster (confirmed, reverted, deleted), or something else is at the instance now. */
async function confirm(transaction: Transaction, due: Due): Promise<OperationId | null> {
  await transaction.query('select from instances where uuid = $1 for no key update', [due.instance_uuid]);
  const { rows } = await transaction.query<{ ready: boolean }>(
    `select ${isReady} and m.confirm_due_at <= now() as ready
     from migrations m join instances i on i.uuid = m.instance_uuid where m.uuid = $1`,
    [due.migration_uuid],
  );
  if (rows[0]?.ready !== true) return null;
  const id = operationId(randomUUID());
  const request_id = `req-${randomUUID()}`;
  await transaction.finish([transaction.query(confirmSql, [id, due.migration_uuid, request_id])]);
  return id;
}

/** In the name of whoever asked for the move: Nova uses a context without a user here, our rows name one. */
const confirmSql = `
  with migration as (
    update migrations set status = 'confirming', confirm_due_at = null, updated_at = now() where uuid = $2
    returning uuid, instance_uuid, user_id, project_id
  ), action as (
    insert into instance_actions (instance_uuid, action, request_id, user_id, project_id)
    select instance_uuid, 'confirmResize', $3::text, user_id, project_id from migration returning id
  )
  insert into operations (id, kind, instance_uuid, migration_uuid, action_id, request_id, user_id, project_id, request)
  select $1, 'confirm', m.instance_uuid, m.uuid, action.id, $3::text, m.user_id, m.project_id, '{"automatic": true}'
  from migration m, action`;
