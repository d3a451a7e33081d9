import { randomBytes, randomUUID } from 'node:crypto';
import type { Pool } from '../../../shared/database/connect.ts';
import {
  hostName,
  instanceId,
  migrationId,
  operationId,
  type HostName,
  type InstanceId,
  type MigrationId,
  type OperationId,
} from '../../../shared/domain/ids.ts';
import type { FlavorSpec } from '../../../shared/domain/instance-spec.ts';
import { resourcesOfFlavor } from '../../../shared/domain/resources.ts';
import type { OperationKind } from '../../../shared/domain/states.ts';
import type { HostReport } from '../../../shared/messaging/host-report.ts';
import { claim } from '../../../services/scheduler/claims/claim.ts';
import { transact } from '../../../services/scheduler/drive/transaction.ts';
import { ingestReport } from '../../../services/scheduler/hosts/ingest-report.ts';
import { sampleFlavor } from '../../unit/domain/sample-flavor.ts';

export const initialRatios = { vcpu: 16, memory_mb: 1.5, disk_gb: 1 };

export const flavor: FlavorSpec = sampleFlavor({ memory_mb: 128 });

export function reportOf(host: string, changes: Partial<HostReport> = {}): HostReport {
  return {
    host: hostName(host),
    hypervisor_hostname: host,
    hypervisor_type: 'fake',
    hypervisor_version: 1_000_000,
    address: '127.0.1.1',
    agent_version: '0.1.0',
    boot_id: 'boot-1',
    sequence: 1,
    inventory: { vcpus: 64, memory_mb: 65_536, local_gb: 1024, disk_available_bytes: 2 ** 40 },
    reserved: { vcpus: 0, memory_mb: 512, disk_gb: 0 },
    allocation_ratios: { vcpu: null, memory_mb: null, disk_gb: null },
    supported_instances: [['x86_64', 'fake', 'hvm']],
    cpu_info: {},
    uptime: 'up 1 day',
    guests: [],
    ...changes,
  };
}

export async function addHost(
  pool: Pool,
  host: string,
  changes: Partial<HostReport> = {},
): Promise<HostName> {
  await ingestReport(pool, reportOf(host, changes), initialRatios);
  return hostName(host);
}

const projectId = randomBytes(16).toString('hex');
const userId = randomBytes(16).toString('hex');

/** An active instance with its claim, as a finished create leaves it. */
export async function addInstance(
  pool: Pool,
  host: string,
  options: { readonly flavor?: FlavorSpec; readonly group?: string } = {},
): Promise<InstanceId> {
  const id = instanceId(randomUUID());
  const spec = options.flavor ?? flavor;
  await pool.query(
    `insert into instances (uuid, project_id, user_id, name, hostname, reservation_id, flavor, host, node, epoch,
       vm_state, power_state, launched_at, server_group_uuid)
     values ($1, $2, $3, 'guest', 'guest', 'r-12345678', $4, $5, $5, 1, 'active', 1, now(), $6)`,
    [id, projectId, userId, JSON.stringify(spec), host, options.group ?? null],
  );
  await transact(pool, async (transaction) => {
    const outcome = await claim(
      transaction,
      {
        host: hostName(host),
        instance_id: id,
        move: null,
        amounts: resourcesOfFlavor(spec),
        details: null,
        server_group_uuid: null,
        is_known_up: true,
      },
      60,
    );
    if (!outcome.claimed) throw new Error(`no claim on ${host}: ${outcome.refusal.message}`);
    await transaction.finish([outcome.written]);
  });
  return id;
}

/** An instance as the api leaves a create: building, nowhere yet. */
export async function addNewInstance(
  pool: Pool,
  options: { readonly flavor?: FlavorSpec; readonly group?: string } = {},
): Promise<InstanceId> {
  const id = instanceId(randomUUID());
  await pool.query(
    `insert into instances (uuid, project_id, user_id, name, hostname, reservation_id, flavor, vm_state, task_state,
       server_group_uuid)
     values ($1, $2, $3, 'guest', 'guest', 'r-12345678', $4, 'building', 'scheduling', $5)`,
    [id, projectId, userId, JSON.stringify(options.flavor ?? flavor), options.group ?? null],
  );
  return id;
}

/** Rows as the api writes them for one request; `wake` is left to the caller. */
export async function addOperation(
  pool: Pool,
  instance: InstanceId,
  kind: OperationKind,
  options: {
    readonly migration?: MigrationId;
    readonly state?: 'running' | 'waiting';
    readonly request?: object;
  } = {},
): Promise<OperationId> {
  const id = operationId(randomUUID());
  await pool.query(
    `with action as (
       insert into instance_actions (instance_uuid, action, request_id, user_id, project_id)
       values ($2, $3, $4, $5, $6) returning id)
     insert into operations (id, kind, instance_uuid, migration_uuid, action_id, request_id, user_id, project_id,
       state, request)
     select $1, $3, $2, $7, action.id, $4, $5, $6, $8, $9 from action`,
    [
      id,
      instance,
      kind,
      `req-${randomUUID()}`,
      userId,
      projectId,
      options.migration ?? null,
      options.state ?? 'running',
      JSON.stringify(options.request ?? {}),
    ],
  );
  return id;
}

/** A requested cold migration. */
export async function addColdMigration(
  pool: Pool,
  instance: InstanceId,
  request: { readonly host?: string } = {},
): Promise<{ operation: OperationId; migration: MigrationId }> {
  const migration = migrationId(randomUUID());
  await pool.query(
    `insert into migrations (uuid, instance_uuid, migration_type, status, phase, source_compute, source_node,
       old_flavor, new_flavor, old_vm_state, user_id, project_id, request_id)
     select $1, uuid, 'migration', 'pre-migrating', 'choose', host, node, flavor, flavor, vm_state, user_id,
       project_id, 'req-test' from instances where uuid = $2`,
    [migration, instance],
  );
  await pool.query(`update instances set task_state = 'resize_prep' where uuid = $1`, [instance]);
  const operation = await addOperation(pool, instance, 'cold', { migration, request });
  return { operation, migration };
}
