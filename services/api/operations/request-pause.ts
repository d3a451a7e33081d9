import { inTransaction, type Queryable } from '../../../shared/database/connect.ts';
import { appendOutbox } from '../../../shared/database/outbox.ts';
import { instanceId, operationId } from '../../../shared/domain/ids.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import { lockInstance } from './instance-guard.ts';
import { wake, type OperationServices, type Requester } from './request-operation.ts';

/** A migration that moves, as the one who asks has found it. */
export interface MovingMigration {
  readonly uuid: string;
  readonly instance_uuid: string;
  readonly status: string;
}

/** Steps after which there is nothing left to stand still: the disks are on the target. */
const stepsPastCopy: readonly string[] = ['verify', 'prepare', 'retire', 'adopt', 'switch'];

interface Held {
  readonly id: string;
  readonly state: string;
  readonly step: string | null;
  readonly is_paused: boolean;
}

/**
 * Asks a move to stand still, or to go on. The row is what counts: it outlives the restart of every process. Who asked
 * is in the server's list of actions.
 * @returns the step at which it stands
 * @throws DroverError instance_not_found, migration_not_running, migration_past_copy, migration_not_paused
 */
export async function requestPause(
  services: OperationServices,
  requester: Requester,
  migration: MovingMigration,
  paused: boolean,
): Promise<string | null> {
  const instance = instanceId(migration.instance_uuid);
  const step = await inTransaction(services.pool, async (transaction) => {
    await lockInstance(transaction, instance);
    const operation = await readMove(transaction, migration);
    if (paused && operation.step !== null && stepsPastCopy.includes(operation.step))
      throw new DroverError('migration_past_copy', { migration: migration.uuid, step: operation.step });
    if (!paused && !operation.is_paused)
      throw new DroverError('migration_not_paused', { migration: migration.uuid });
    await transaction.query(
      `update operations set paused_at = case when $2 then coalesce(paused_at, now()) end, updated_at = now()
       where id = $1`,
      [operation.id, paused],
    );
    await transaction.query(
      `insert into instance_actions (instance_uuid, action, request_id, user_id, project_id, finished_at)
       values ($1, $2, $3, $4, $5, now())`,
      [
        instance,
        paused ? 'pauseMigration' : 'unpauseMigration',
        requester.request_id,
        requester.user_id,
        requester.project_id,
      ],
    );
    await appendOutbox(transaction, [wake(requester.request_id, operationId(operation.id))]);
    return operation.step;
  });
  services.wakeOutbox();
  return step;
}

/** @throws DroverError migration_not_running */
async function readMove(transaction: Queryable, migration: MovingMigration): Promise<Held> {
  const { rows } = await transaction.query<Held>(
    `select id, state, step, paused_at is not null as is_paused from operations
     where migration_uuid = $1 and kind = 'cold' for update`,
    [migration.uuid],
  );
  const [operation] = rows;
  if (operation === undefined || operation.state !== 'running')
    throw new DroverError('migration_not_running', { migration: migration.uuid, status: migration.status });
  return operation;
}
