import { randomUUID } from 'node:crypto';
import { inTransaction, type Pool, type Queryable } from '../../../shared/database/connect.ts';
import { appendOutbox, type OutboxMessage } from '../../../shared/database/outbox.ts';
import {
  operationId,
  type InstanceId,
  type MigrationId,
  type OperationId,
  type RequestId,
} from '../../../shared/domain/ids.ts';
import type { OperationKind, TaskState } from '../../../shared/domain/states.ts';
import type { WakeMessage } from '../../../shared/messaging/messages.ts';
import { exchanges, routingKeys } from '../../../shared/messaging/topology.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import { isUniqueViolation } from '../queries/search-conditions.ts';
import { checkAtRest, checkInstance, lockInstance, type LockedInstance } from './instance-guard.ts';
import type { InstanceGuard } from './instance-guard.ts';
import type { OperationRequest } from '../../scheduler/migration/model.ts';

/**
 * How the api asks for work. One transaction:
 *
 *   lock the instance's row → guard (lock, states, the action's own checks)
 *     → change of the instance → instance_actions row → operations row → outbox: wake
 *
 * Either all of it is there or nothing. The scheduler finds the operation by the wake, or without it by its own
 * look at the table: losing the message costs time, never the request.
 */

/** Who asked, and under which request id the whole work will run. */
export interface Requester {
  readonly user_id: string;
  readonly project_id: string;
  readonly is_admin: boolean;
  readonly request_id: RequestId;
}

/** What the transaction needs of ApiServices. */
export interface OperationServices {
  readonly pool: Pool;
  wakeOutbox(): void;
}

/** What an operation changes besides its own row, made by `prepare` under the row lock. */
export interface PreparedOperation {
  readonly migration_id?: MigrationId;
  readonly request?: OperationRequest;
  readonly priority?: number;
}

export interface OperationPlan {
  readonly kind: OperationKind;
  /** Name in the instance's list of actions (Nova's): `migrate`, `confirmResize` … */
  readonly action: string;
  readonly guard: Omit<InstanceGuard, 'caller_is_admin'>;
  /** True for what changes nothing about the server (Nova's rule: a lock is against accidents). */
  readonly ignores_lock?: true;
  /** New task_state; undefined leaves it (confirm shows none, as in Nova). */
  readonly task_state?: TaskState;
  /** True where an unsettled migration is what the operation is about. */
  readonly settles_migration?: boolean;
  /** The action's own checks, in Nova's order after the guard. Throws. */
  readonly check?: (transaction: Queryable, instance: LockedInstance) => Promise<void>;
  /** The action's own rows, written when nothing can refuse any more. */
  readonly prepare?: (transaction: Queryable, instance: LockedInstance) => Promise<PreparedOperation>;
}

/**
 * Runs the transaction and wakes the scheduler.
 * @throws DroverError what the guard and `prepare` throw; operation_in_progress
 */
export async function requestOperation(
  services: OperationServices,
  requester: Requester,
  instance: InstanceId,
  plan: OperationPlan,
): Promise<OperationId> {
  const id = await refuseSecondOperation(instance, plan, async () =>
    inTransaction(services.pool, async (transaction) => {
      const locked = await lockInstance(transaction, instance);
      checkInstance(locked, {
        ...plan.guard,
        caller_is_admin: requester.is_admin || plan.ignores_lock === true,
      });
      await plan.check?.(transaction, locked);
      checkAtRest(locked, plan.guard.action, plan.settles_migration ?? false);
      const prepared = (await plan.prepare?.(transaction, locked)) ?? {};
      if (plan.task_state !== undefined) await setTaskState(transaction, instance, plan.task_state);
      return await insertOperation(transaction, requester, {
        kind: plan.kind,
        action: plan.action,
        instance,
        migration: prepared.migration_id ?? null,
        request: prepared.request ?? {},
        priority: prepared.priority ?? 0,
        state: 'running',
      });
    }),
  );
  services.wakeOutbox();
  return id;
}

/** The unique indices are the last word: what slipped past the checks is refused by the database, as a 409. */
async function refuseSecondOperation<Result>(
  instance: InstanceId,
  plan: OperationPlan,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (
      isUniqueViolation(error, 'operations_one_live_per_instance') ||
      isUniqueViolation(error, 'migrations_one_live_per_instance')
    ) {
      throw new DroverError(
        'operation_in_progress',
        { instance, action: plan.guard.action, kind: 'other', state: 'running' },
        { cause: error },
      );
    }
    throw error;
  }
}

async function setTaskState(transaction: Queryable, instance: InstanceId, task: TaskState): Promise<void> {
  await transaction.query(
    `update instances
     set task_state = $2, progress = case when $2 = 'resize_prep' then 0 else progress end, updated_at = now()
     where uuid = $1`,
    [instance, task],
  );
}

export interface NewOperation {
  readonly kind: OperationKind;
  readonly action: string;
  readonly instance: InstanceId;
  readonly migration: MigrationId | null;
  readonly request: OperationRequest;
  readonly priority?: number;
  readonly state: 'running' | 'waiting';
}

/** Action, operation and wake: the three rows that every request for work leaves. */
export async function insertOperation(
  transaction: Queryable,
  requester: Requester,
  operation: NewOperation,
): Promise<OperationId> {
  const id = operationId(randomUUID());
  await transaction.query(
    `with action as (
       insert into instance_actions (instance_uuid, action, request_id, user_id, project_id)
       values ($2, $3, $4, $5, $6) returning id
     )
     insert into operations (id, kind, instance_uuid, migration_uuid, action_id, request_id, user_id, project_id,
       request, state, priority)
     select $1, $7, $2, $8, action.id, $4, $5, $6, $9, $10, $11 from action`,
    [
      id,
      operation.instance,
      operation.action,
      requester.request_id,
      requester.user_id,
      requester.project_id,
      operation.kind,
      operation.migration,
      JSON.stringify(operation.request),
      operation.state,
      operation.priority ?? 0,
    ],
  );
  await appendOutbox(transaction, [wake(requester.request_id, id)]);
  return id;
}

/** The wake-up for the scheduler: says where to look, carries no truth. */
export function wake(requestId: RequestId, operation: OperationId | null): OutboxMessage {
  const message: WakeMessage = {
    type: 'wake',
    message_id: randomUUID(),
    request_id: requestId,
    sent_at: new Date().toISOString(),
    operation_id: operation,
  };
  return { exchange: exchanges.events, routing_key: routingKeys.wake, message };
}
