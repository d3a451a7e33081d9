import { randomUUID } from 'node:crypto';
import type { Queryable } from '../../../shared/database/connect.ts';
import {
  migrationId,
  type InstanceId,
  type MigrationId,
  type OperationId,
} from '../../../shared/domain/ids.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import type { OperationRequest } from '../../scheduler/migration/model.ts';
import type { LockedInstance } from './instance-guard.ts';
import { requestOperation, type OperationServices, type Requester } from './request-operation.ts';
import { hostOf, requireHost, requireServiceUp } from './source-host.ts';

type MigrationMode = NonNullable<OperationRequest['mode']>;

export interface MigrateOptions {
  /** Null: the scheduler chooses. */
  readonly host: string | null;
  readonly service_down_time_seconds: number;
  /** `[mover] default_mode`, `downtime_budget_seconds` and `limit_bytes_per_second`: for those who do not say it. */
  readonly defaults: {
    readonly mode: MigrationMode;
    readonly downtime_budget_seconds: number;
    readonly limit_bytes_per_second: number;
  };
  readonly mode?: MigrationMode;
  readonly downtime_budget_seconds?: number;
  /** What only Drover v1 can ask for: a limit, a cluster that has not changed. */
  readonly further?: Pick<OperationRequest, 'limit_bytes_per_second' | 'if_cluster_version'>;
  /** Among those that wait for their turn to copy: the larger goes first. */
  readonly priority?: number;
}

/**
 * Cold migration. The order of checks is Nova's: lock, vm_state, task_state, launched, source host up, then the
 * named host. A target that is down, disabled or full is found out later and is no HTTP error.
 * @throws DroverError instance_not_found, instance_locked, instance_state_conflict, instance_not_ready,
 *   compute_service_down, migrate_to_same_host, requested_host_not_found, operation_in_progress, migration_unfinished
 */
export async function requestMigrate(
  services: OperationServices,
  requester: Requester,
  instance: InstanceId,
  options: MigrateOptions,
): Promise<OperationId> {
  return await requestOperation(services, requester, instance, {
    kind: 'cold',
    action: 'migrate',
    guard: {
      action: 'migrate',
      vm_states: ['active', 'stopped'],
      task_states: [null],
      must_have_launched: true,
    },
    task_state: 'resize_prep',
    check: async (transaction, locked) => {
      const source = hostOf(locked);
      await requireServiceUp(transaction, source, options.service_down_time_seconds);
      if (options.host === null) return;
      if (options.host === source) throw new DroverError('migrate_to_same_host');
      await requireHost(transaction, options.host);
    },
    prepare: async (transaction, locked) => ({
      migration_id: await insertMigration(transaction, requester, locked, options),
      priority: options.priority ?? 0,
      request: {
        ...options.further,
        ...warmRequest(options),
        ...(options.host === null ? {} : { host: await requireHost(transaction, options.host) }),
      },
    }),
  });
}

/** How the copy is to be made. A budget without `warm` means nothing and is not kept. */
function copyOf({
  defaults,
  mode = defaults.mode,
  downtime_budget_seconds = defaults.downtime_budget_seconds,
}: MigrateOptions): Pick<OperationRequest, 'mode' | 'downtime_budget_seconds'> {
  return mode === 'warm' ? { mode, downtime_budget_seconds } : { mode };
}

/** What the scheduler is told of it; nothing of a cold one, as ever. */
function warmRequest(options: MigrateOptions): ReturnType<typeof copyOf> | undefined {
  const copy = copyOf(options);
  return copy.mode === 'warm' ? copy : undefined;
}

/** The record of the move; the scheduler fills in the target when it has claimed one. */
async function insertMigration(
  transaction: Queryable,
  requester: Requester,
  instance: LockedInstance,
  options: MigrateOptions,
): Promise<MigrationId> {
  const id = migrationId(randomUUID());
  const source = hostOf(instance);
  const { host, further, defaults } = options;
  const { mode, downtime_budget_seconds } = copyOf(options);
  await transaction.query(
    `insert into migrations (uuid, instance_uuid, migration_type, status, phase, source_compute, source_node,
       old_flavor, new_flavor, old_vm_state, requested_host, user_id, project_id, request_id,
       limit_bytes_per_second, mode, downtime_budget_seconds)
     values ($1, $2, 'migration', 'pre-migrating', 'choose', $3, $4, $5, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
    [
      id,
      instance.uuid,
      source,
      instance.node ?? source,
      JSON.stringify(instance.flavor),
      instance.vm_state,
      host,
      requester.user_id,
      requester.project_id,
      requester.request_id,
      further?.limit_bytes_per_second ?? defaults.limit_bytes_per_second,
      mode,
      downtime_budget_seconds ?? null,
    ],
  );
  return id;
}
