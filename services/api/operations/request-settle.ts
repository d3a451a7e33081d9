import type { Queryable } from '../../../shared/database/connect.ts';
import { migrationId, type InstanceId, type OperationId } from '../../../shared/domain/ids.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import {
  requestOperation,
  type OperationPlan,
  type OperationServices,
  type Requester,
} from './request-operation.ts';
import { findFinishedMigration, requireServiceUp } from './source-host.ts';

/** Confirm or revert: the two ways out of VERIFY_RESIZE. */
export type Settlement = 'confirm' | 'revert';

const actions = { confirm: 'confirmResize', revert: 'revertResize' } as const;

/**
 * Confirm leaves task_state alone (the server stays VERIFY_RESIZE until it is done), revert sets it, as in Nova.
 * A second confirm while the first runs finds no finished migration any more: 400, not 409.
 * @throws DroverError instance_not_found, instance_locked, instance_state_conflict, instance_not_resized,
 *   compute_service_down (confirm only: its source must discard), operation_in_progress
 */
export async function requestSettlement(
  services: OperationServices,
  requester: Requester,
  instance: InstanceId,
  settlement: Settlement,
  serviceDownTimeSeconds: number,
): Promise<OperationId> {
  const plan: OperationPlan = {
    kind: settlement,
    action: actions[settlement],
    guard: {
      action: actions[settlement],
      vm_states: ['resized'],
      task_states: [null],
      must_have_launched: false,
    },
    ...(settlement === 'revert' ? { task_state: 'resize_reverting' as const } : {}),
    settles_migration: true,
    check: async (transaction) => {
      const migration = await requireFinished(transaction, instance);
      if (settlement === 'confirm')
        await requireServiceUp(transaction, migration.source_compute, serviceDownTimeSeconds);
    },
    prepare: async (transaction) => {
      const migration = await requireFinished(transaction, instance);
      await transaction.query(
        `update migrations set status = $2, confirm_due_at = null, updated_at = now() where uuid = $1`,
        [migration.uuid, settlement === 'confirm' ? 'confirming' : 'reverting'],
      );
      return { migration_id: migrationId(migration.uuid) };
    },
  };
  return await requestOperation(services, requester, instance, plan);
}

async function requireFinished(
  transaction: Queryable,
  instance: InstanceId,
): Promise<{ readonly uuid: string; readonly source_compute: string }> {
  const migration = await findFinishedMigration(transaction, instance);
  if (migration === null) throw new DroverError('instance_not_resized');
  return migration;
}
