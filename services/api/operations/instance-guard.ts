import type { Queryable } from '../../../shared/database/connect.ts';
import type { HostName, InstanceId, ProjectId } from '../../../shared/domain/ids.ts';
import type { FlavorSpec } from '../../../shared/domain/instance-spec.ts';
import type { OperationKind, OperationState, TaskState, VmState } from '../../../shared/domain/states.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';

/** The instance as a request finds it, its row locked until the transaction ends. */
export interface LockedInstance {
  readonly uuid: InstanceId;
  readonly project_id: ProjectId;
  readonly vm_state: VmState;
  readonly task_state: TaskState | null;
  readonly host: HostName | null;
  readonly node: string | null;
  readonly flavor: FlavorSpec;
  readonly locked_by: 'admin' | 'owner' | null;
  readonly launched_at: Date | null;
  /** The operation that works on it now; null: none. */
  readonly operation_id: string | null;
  readonly operation_kind: OperationKind | null;
  readonly operation_state: OperationState | null;
  /** A migration that still holds claims on two hosts, whatever the instance's states say. */
  readonly migration_id: number | null;
  readonly migration_status: string | null;
}

/**
 * Locks the instance's row: two requests on one server come one after the other, and the second one judges
 * what the first has written. @throws DroverError instance_not_found
 */
export async function lockInstance(transaction: Queryable, id: InstanceId): Promise<LockedInstance> {
  const locked = await transaction.query(
    'select from instances where uuid = $1 and deleted_at is null for update',
    [id],
  );
  if (locked.rowCount === 0) throw new DroverError('instance_not_found', { instance: id });
  // A second statement, because one statement sees the other tables as they were before it waited for the lock.
  const { rows } = await transaction.query<LockedInstance>(
    `select i.uuid, i.project_id, i.vm_state, i.task_state, i.host, i.node, i.flavor, i.locked_by, i.launched_at,
            o.id as operation_id, o.kind as operation_kind, o.state as operation_state,
            m.id as migration_id, m.status as migration_status
     from instances i
     left join operations o on o.instance_uuid = i.uuid and o.state in ('running', 'unwinding', 'stuck')
     left join migrations m on m.instance_uuid = i.uuid
       and m.status in ('pre-migrating', 'migrating', 'post-migrating', 'finished', 'confirming', 'reverting')
     where i.uuid = $1`,
    [id],
  );
  const instance = rows[0];
  if (instance === undefined) throw new DroverError('instance_not_found', { instance: id });
  return instance;
}

/** What a request demands of the instance. Checked in Nova's order: lock, vm_state, task_state, launched. */
export interface InstanceGuard {
  /** Nova's word in the 409: `migrate`, `confirmResize`, `start` … */
  readonly action: string;
  readonly caller_is_admin: boolean;
  readonly vm_states: readonly VmState[] | 'any';
  readonly task_states: readonly (TaskState | null)[] | 'any';
  readonly must_have_launched: boolean;
}

/** A lock stops everybody but administrators. @throws DroverError instance_locked */
export function checkLock(
  instance: Pick<LockedInstance, 'uuid' | 'locked_by'>,
  callerIsAdmin: boolean,
): void {
  if (instance.locked_by !== null && !callerIsAdmin)
    throw new DroverError('instance_locked', { instance: instance.uuid });
}

/** @throws DroverError instance_locked, instance_state_conflict, instance_state_invalid */
export function checkInstance(instance: LockedInstance, guard: InstanceGuard): void {
  checkLock(instance, guard.caller_is_admin);
  const { action } = guard;
  if (guard.vm_states !== 'any' && !guard.vm_states.includes(instance.vm_state))
    throw stateConflict(instance, action, 'vm_state', instance.vm_state);
  if (guard.task_states !== 'any' && !guard.task_states.includes(instance.task_state))
    throw stateConflict(instance, action, 'task_state', instance.task_state ?? 'None');
  if (guard.must_have_launched && instance.launched_at === null)
    throw new DroverError('instance_state_invalid', { instance: instance.uuid, action });
}

/**
 * What Nova has no word for: states say that the server is at rest, but an operation is at work on it (its
 * states were reset by hand), or a migration that nobody settled still holds two claims.
 * @throws DroverError operation_in_progress, migration_unfinished
 */
export function checkAtRest(instance: LockedInstance, action: string, mayHaveMigration: boolean): void {
  if (instance.operation_id !== null)
    throw new DroverError('operation_in_progress', {
      instance: instance.uuid,
      action,
      kind: instance.operation_kind ?? '',
      state: instance.operation_state ?? '',
    });
  if (instance.migration_id !== null && !mayHaveMigration)
    throw new DroverError('migration_unfinished', {
      instance: instance.uuid,
      action,
      migration: instance.migration_id,
      status: instance.migration_status ?? '',
    });
}

function stateConflict(
  instance: LockedInstance,
  action: string,
  attribute: 'vm_state' | 'task_state',
  state: string,
): DroverError {
  return new DroverError('instance_state_conflict', { instance: instance.uuid, action, attribute, state });
}
