import { hostname } from 'node:os';
import { inTransaction, type Queryable } from '../../../shared/database/connect.ts';
import type { InstanceId } from '../../../shared/domain/ids.ts';
import { lockInstance } from './instance-guard.ts';
import type { ApiServices } from '../services.ts';
import type { Requester } from './request-operation.ts';

/** The pool, and the name under which this machine's events are recorded. */
type LockServices = Pick<ApiServices, 'pool' | 'configuration'>;

/** Whose lock a request would make or lift: the owner's own, or an administrator's on another project's server. */
export function lockerOf(requester: Pick<Requester, 'project_id'>, projectId: string): 'owner' | 'admin' {
  return requester.project_id === projectId ? 'owner' : 'admin';
}

/** Locks the instance. A lock that is there already is left as it is when its owner asks again. */
export async function lockServer(
  services: LockServices,
  requester: Requester,
  instance: InstanceId,
  reason: string | null,
): Promise<void> {
  await inTransaction(services.pool, async (transaction) => {
    const locked = await lockInstance(transaction, instance);
    const locker = lockerOf(requester, locked.project_id);
    if (locked.locked_by !== null && locker === 'owner') return;
    await transaction.query(
      `update instances set locked_by = $2, locked_reason = $3, updated_at = now() where uuid = $1`,
      [instance, locker, reason],
    );
    await recordAction(services, transaction, requester, instance, 'lock', 'api_lock');
  });
}

/** Lifts the lock. Whether the caller may lift another's lock is the route's policy check. */
export async function unlockServer(
  services: LockServices,
  requester: Requester,
  instance: InstanceId,
): Promise<void> {
  await inTransaction(services.pool, async (transaction) => {
    await lockInstance(transaction, instance);
    await transaction.query(
      `update instances set locked_by = null, locked_reason = null, updated_at = now() where uuid = $1`,
      [instance],
    );
    await recordAction(services, transaction, requester, instance, 'unlock', 'api_unlock');
  });
}

/**
 * The operator's last resort: writes vm_state and clears task_state, and nothing else. It ignores lock and states
 * and leaves operations, migrations and claims alone (facts document, section 2.6).
 */
export async function resetServerState(
  services: LockServices,
  requester: Requester,
  instance: InstanceId,
  state: 'active' | 'error',
): Promise<void> {
  await inTransaction(services.pool, async (transaction) => {
    await lockInstance(transaction, instance);
    await transaction.query(
      `update instances set vm_state = $2, task_state = null, updated_at = now() where uuid = $1`,
      [instance, state],
    );
    await recordAction(services, transaction, requester, instance, 'resetState', null);
  });
}

/** An action that the api finishes by itself, with its one event where Nova writes one. */
async function recordAction(
  services: LockServices,
  transaction: Queryable,
  requester: Requester,
  instance: InstanceId,
  action: string,
  event: string | null,
): Promise<void> {
  await transaction.query(
    `with action as (
       insert into instance_actions (instance_uuid, action, request_id, user_id, project_id, finished_at)
       values ($1, $2, $3, $4, $5, now()) returning id
     )
     insert into instance_action_events (action_id, event, host, finished_at, result)
     select action.id, $6, $7, now(), 'Success' from action where $6::text is not null`,
    [
      instance,
      action,
      requester.request_id,
      requester.user_id,
      requester.project_id,
      event,
      services.configuration.DEFAULT.host ?? hostname(),
    ],
  );
}
