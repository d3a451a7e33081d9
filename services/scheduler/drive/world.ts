import {
  imageId,
  type HostName,
  type InstanceId,
  type MigrationId,
  type OperationId,
} from '../../../shared/domain/ids.ts';
import type { ProjectId, RequestId, UserId } from '../../../shared/domain/ids.ts';
import type { DiskFormat, FlavorSpec, ImageSource } from '../../../shared/domain/instance-spec.ts';
import type {
  MigrationStatus,
  OperationKind,
  OperationState,
  PowerState,
  TaskState,
  VmState,
} from '../../../shared/domain/states.ts';
import type { OperationFacts, OperationRequest, World } from '../migration/model.ts';
import { prepared } from './statement.ts';
import type { Transaction } from './transaction.ts';

/** The rows of one operation under its lock: what the machine sees, and what only the shell needs. */
export interface LoadedOperation {
  readonly world: World;
  readonly action_id: number | null;
  readonly lease_owner: string | null;
  readonly lease_is_expired: boolean;
  readonly fencing: number;
  readonly resume_requested: boolean;
  readonly resume_as_resolved: boolean;
  readonly deadline_passed: boolean;
  readonly priority: number;
  readonly instance_host: HostName | null;
  readonly server_group_uuid: string | null;
}

/** Makes what a host needs to fetch an image without the database: an address and a ticket (shared/domain/image-ticket.ts). */
export type ImageSourceMaker = (image: {
  readonly id: ImageSource['id'];
  readonly disk_format: DiskFormat;
  readonly size_bytes: number;
  readonly sha512: string;
}) => ImageSource;

/**
 * Locks the instance and the operation, then reads everything. The instance first: the api locks in this order, and
 * two that lock in opposite order would wait for each other. All of it is sent at once; each statement stands
 * behind its locks, so it sees what was committed until they were given.
 * @returns null when there is no such operation.
 */
export async function lockAndLoad(
  transaction: Transaction,
  operation_id: OperationId,
  imageSource: ImageSourceMaker,
): Promise<LoadedOperation | null> {
  const [, , loaded] = await Promise.all([
    transaction.query(prepared(lockInstanceSql, [operation_id])),
    transaction.query(prepared('select from operations where id = $1 for update', [operation_id])),
    transaction.query<Row>(prepared(loadSql, [operation_id])),
  ]);
  const row = loaded.rows[0];
  return row === undefined ? null : toLoaded(row, imageSource);
}

/**
 * The same for several at once, but never waits: what somebody else has locked is left out.
 * @returns in no order; also without those that do not exist.
 */
export async function lockAndLoadFree(
  transaction: Transaction,
  operation_ids: readonly OperationId[],
  imageSource: ImageSourceMaker,
): Promise<LoadedOperation[]> {
  const [instances, operations, loaded] = await Promise.all([
    transaction.query<{ uuid: InstanceId }>(prepared(lockFreeInstancesSql, [operation_ids])),
    transaction.query<{ id: OperationId }>(prepared(lockFreeOperationsSql, [operation_ids])),
    transaction.query<Row>(prepared(loadManySql, [operation_ids])),
  ]);
  const locked_instances = new Set(instances.rows.map(({ uuid }) => uuid));
  const locked = new Set(operations.rows.map(({ id }) => id));
  return loaded.rows
    .filter((row) => locked.has(row.id) && locked_instances.has(row.instance_uuid))
    .map((row) => toLoaded(row, imageSource));
}

/** Not `for update`: rows that only refer to the instance (faults, actions) may be written meanwhile. */
const lockInstanceSql = `
  select from instances where uuid = (select instance_uuid from operations where id = $1) for no key update`;

/**
 * A delete is asked for without naming a migration; the one that still holds something is found here, because the
 * source's copy must go with it.
 */
const rowsSql = `
  select o.id, o.kind, o.instance_uuid, o.request_id, o.request, o.state, o.step, o.step_state, o.attempt,
         o.recoveries, o.facts, o.cancel_requested_at is not null as cancel_requested, o.reason_code, o.reason,
         o.reason_step, o.paused_at is not null as paused, o.turn, o.priority, o.action_id, o.lease_owner,
         coalesce(o.lease_expires_at < now(), true) as lease_is_expired,
         o.fencing, o.resume_requested_at is not null as resume_requested, o.resume_as_resolved,
         coalesce(o.deadline_at < now(), false) as deadline_passed,
         i.id as instance_number, i.name, i.project_id, i.user_id, i.host, i.node, i.epoch, i.vm_state, i.task_state,
         i.power_state, i.flavor, i.availability_zone, i.image_properties, i.metadata, i.server_group_uuid,
         m.uuid as migration_uuid, m.status, m.source_compute, m.source_node, m.dest_compute, m.dest_node,
         m.old_vm_state, m.was_running, m.new_flavor,
         g.id as image_id, g.disk_format, g.size_bytes, g.sha512
  from operations o
  join instances i on i.uuid = o.instance_uuid
  left join migrations m on m.uuid = coalesce(o.migration_uuid, case when o.kind = 'delete' then
    (select uuid from migrations where instance_uuid = o.instance_uuid and status in
       ('pre-migrating', 'migrating', 'post-migrating', 'finished', 'confirming', 'reverting')) end)
  left join images g on g.id = i.image_id`;

const loadSql = `${rowsSql} where o.id = $1`;
const loadManySql = `${rowsSql} where o.id = any($1::uuid[])`;

const lockFreeInstancesSql = `
  select uuid from instances where uuid in (select instance_uuid from operations where id = any($1::uuid[]))
  for no key update skip locked`;
const lockFreeOperationsSql = 'select id from operations where id = any($1::uuid[]) for update skip locked';

interface Row {
  readonly id: OperationId;
  readonly kind: OperationKind;
  readonly instance_uuid: InstanceId;
  readonly request_id: RequestId;
  readonly request: OperationRequest;
  readonly state: OperationState;
  readonly step: string | null;
  readonly step_state: 'pending' | 'ordered';
  readonly attempt: number;
  readonly recoveries: number;
  readonly facts: OperationFacts;
  readonly cancel_requested: boolean;
  readonly paused: boolean;
  readonly turn: 'waiting' | 'held' | null;
  readonly priority: number;
  readonly reason_code: string | null;
  readonly reason: string | null;
  readonly reason_step: string | null;
  readonly action_id: number | null;
  readonly lease_owner: string | null;
  readonly lease_is_expired: boolean;
  readonly fencing: number;
  readonly resume_requested: boolean;
  readonly resume_as_resolved: boolean;
  readonly deadline_passed: boolean;
  readonly instance_number: number;
  readonly name: string;
  readonly project_id: ProjectId;
  readonly user_id: UserId;
  readonly host: HostName | null;
  readonly node: string | null;
  readonly epoch: number;
  readonly vm_state: VmState;
  readonly task_state: TaskState | null;
  readonly power_state: PowerState;
  readonly flavor: FlavorSpec;
  readonly availability_zone: string | null;
  readonly image_properties: Readonly<Record<string, string>>;
  readonly metadata: Readonly<Record<string, string>>;
  readonly server_group_uuid: string | null;
  readonly migration_uuid: MigrationId | null;
  readonly status: MigrationStatus;
  readonly source_compute: HostName;
  readonly source_node: string;
  readonly dest_compute: HostName | null;
  readonly dest_node: string | null;
  readonly old_vm_state: VmState;
  readonly was_running: boolean | null;
  readonly new_flavor: FlavorSpec;
  readonly image_id: string | null;
  readonly disk_format: DiskFormat | null;
  readonly size_bytes: number | null;
  readonly sha512: string | null;
}

function toLoaded(row: Row, imageSource: ImageSourceMaker): LoadedOperation {
  return {
    world: {
      operation: operationOf(row),
      instance: instanceOf(row),
      migration: migrationOf(row),
      spec: specOf(row, imageSource),
      ...uploadOf(row, imageSource),
    },
    action_id: row.action_id,
    lease_owner: row.lease_owner,
    lease_is_expired: row.lease_is_expired,
    fencing: row.fencing,
    resume_requested: row.resume_requested,
    resume_as_resolved: row.resume_as_resolved,
    deadline_passed: row.deadline_passed,
    priority: row.priority,
    instance_host: row.host,
    server_group_uuid: row.server_group_uuid,
  };
}

/** The ticket of an image without bytes lets its holder give it some; hosts get it for the images that they make. */
function uploadOf(row: Row, imageSource: ImageSourceMaker): Pick<World, 'upload'> {
  const wish = row.kind === 'extract' ? row.request.extract : undefined;
  if (wish === undefined) return {};
  const { id, url, ticket } = imageSource({
    id: wish.image_id,
    disk_format: 'raw',
    size_bytes: 0,
    sha512: '',
  });
  return { upload: { id, url, ticket } };
}

function operationOf(row: Row): World['operation'] {
  return {
    id: row.id,
    kind: row.kind,
    instance_id: row.instance_uuid,
    migration_id: row.migration_uuid,
    request_id: row.request_id,
    request: row.request,
    state: row.state,
    step: row.step,
    step_state: row.step_state,
    attempt: row.attempt,
    recoveries: row.recoveries,
    facts: row.facts,
    cancel_requested: row.cancel_requested,
    paused: row.paused,
    turn: row.turn,
    reason:
      row.reason_code === null
        ? null
        : { code: row.reason_code, message: row.reason ?? '', step: row.reason_step ?? '' },
  };
}

function instanceOf(row: Row): World['instance'] {
  return {
    id: row.instance_uuid,
    host: row.host,
    node: row.node,
    epoch: row.epoch,
    vm_state: row.vm_state,
    task_state: row.task_state,
    power_state: row.power_state,
    flavor: row.flavor,
    availability_zone: row.availability_zone,
  };
}

function migrationOf(row: Row): World['migration'] {
  if (row.migration_uuid === null) return null;
  return {
    id: row.migration_uuid,
    status: row.status,
    source_host: row.source_compute,
    source_node: row.source_node,
    target_host: row.dest_compute,
    target_node: row.dest_node,
    old_vm_state: row.old_vm_state,
    was_running: row.was_running,
    new_flavor: row.new_flavor,
  };
}

function specOf(row: Row, imageSource: ImageSourceMaker): World['spec'] {
  const { image_id: image, disk_format, size_bytes, sha512 } = row;
  return {
    id: row.instance_uuid,
    instance_name: `instance-${row.instance_number.toString(16).padStart(8, '0')}`,
    display_name: row.name,
    project_id: row.project_id,
    user_id: row.user_id,
    flavor: row.kind === 'cold' && row.migration_uuid !== null ? row.new_flavor : row.flavor,
    image:
      image === null || disk_format === null || size_bytes === null || sha512 === null
        ? null
        : imageSource({ id: imageId(image), disk_format, size_bytes, sha512 }),
    image_properties: row.image_properties,
    metadata: row.metadata,
  };
}
