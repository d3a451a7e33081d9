import { inTransaction } from '../../../shared/database/connect.ts';
import { appendOutbox } from '../../../shared/database/outbox.ts';
import { operationId, type InstanceId } from '../../../shared/domain/ids.ts';
import { checkLock, lockInstance } from './instance-guard.ts';
import { insertOperation, wake, type OperationServices, type Requester } from './request-operation.ts';

/**
 * Delete is allowed in every state. It never waits for the caller: behind a live operation it is written down as
 * `waiting` and the live one is asked to stop; whoever ends that one starts the delete. Asking twice is asking once.
 * @throws DroverError instance_not_found, instance_locked
 */
export async function requestDelete(
  services: OperationServices,
  requester: Requester,
  instance: InstanceId,
): Promise<void> {
  await inTransaction(services.pool, async (transaction) => {
    const locked = await lockInstance(transaction, instance);
    checkLock(locked, requester.is_admin);
    const pending = await transaction.query(
      `select from operations where instance_uuid = $1 and kind = 'delete' and state in ('waiting', 'running', 'unwinding')`,
      [instance],
    );
    if (pending.rowCount !== 0) return;
    await transaction.query(
      `update instances set task_state = 'deleting', progress = 0, updated_at = now() where uuid = $1`,
      [instance],
    );
    if (locked.operation_id !== null) {
      await transaction.query(
        `update operations set cancel_requested_at = coalesce(cancel_requested_at, now()), updated_at = now()
         where id = $1`,
        [locked.operation_id],
      );
      await appendOutbox(transaction, [wake(requester.request_id, operationId(locked.operation_id))]);
    }
    await insertOperation(transaction, requester, {
      kind: 'delete',
      action: 'delete',
      instance,
      migration: null,
      request: {},
      state: locked.operation_id === null ? 'running' : 'waiting',
    });
  });
  services.wakeOutbox();
}
