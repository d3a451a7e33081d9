import { inTransaction } from '../../../shared/database/connect.ts';
import { appendOutbox } from '../../../shared/database/outbox.ts';
import { operationId, type InstanceId } from '../../../shared/domain/ids.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import { findMigrationOfServer, movingStatuses } from '../queries/migrations.ts';
import { checkLock, lockInstance } from './instance-guard.ts';
import { wake, type OperationServices, type Requester } from './request-operation.ts';

const abortWords = 'abort live migration';

/**
 * Asks a move to stop and to unwind (design: cancel works in every phase before the switch). For a migration that
 * does not move any more the answers are Nova's, the instance's state first, then the number.
 * @throws DroverError instance_not_found, instance_locked, instance_state_invalid, migration_of_instance_not_found
 */
export async function requestCancel(
  services: OperationServices,
  requester: Requester,
  instance: InstanceId,
  migrationNumber: string,
): Promise<void> {
  await inTransaction(services.pool, async (transaction) => {
    const locked = await lockInstance(transaction, instance);
    checkLock(locked, requester.is_admin);
    const isMoving = movingStatuses.some((status) => status === locked.migration_status);
    if (!isMoving || locked.operation_id === null || locked.operation_kind !== 'cold')
      throw new DroverError('instance_state_invalid', { instance, action: abortWords });
    const migration = await findMigrationOfServer(transaction, instance, migrationNumber);
    if (migration === null || migration.id !== locked.migration_id)
      throw new DroverError('migration_of_instance_not_found', { migration: migrationNumber, instance });
    await transaction.query(
      `update operations set cancel_requested_at = coalesce(cancel_requested_at, now()), updated_at = now()
       where id = $1`,
      [locked.operation_id],
    );
    await transaction.query(
      `insert into instance_actions (instance_uuid, action, request_id, user_id, project_id, finished_at)
       values ($1, 'cancelMigration', $2, $3, $4, now())`,
      [instance, requester.request_id, requester.user_id, requester.project_id],
    );
    await appendOutbox(transaction, [wake(requester.request_id, operationId(locked.operation_id))]);
  });
  services.wakeOutbox();
}
