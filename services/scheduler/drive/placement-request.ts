import type { HostName, InstanceId, OperationId, ProjectId, RequestId } from '../../../shared/domain/ids.ts';
import { hostName, serverGroupId } from '../../../shared/domain/ids.ts';
import type { FlavorSpec } from '../../../shared/domain/instance-spec.ts';
import { resourcesOfFlavor } from '../../../shared/domain/resources.ts';
import type { OperationKind } from '../../../shared/domain/states.ts';
import type { Queryable } from '../../../shared/database/connect.ts';
import type { OperationRequest } from '../migration/model.ts';
import type { PlacementRequest, ServerGroupState } from '../placement/model.ts';
import { prepared } from './statement.ts';

interface Row {
  readonly kind: OperationKind;
  readonly request_id: RequestId;
  readonly request: OperationRequest;
  readonly uuid: InstanceId;
  readonly project_id: ProjectId;
  readonly host: HostName | null;
  readonly flavor: FlavorSpec;
  readonly image_id: string | null;
  readonly image_properties: Readonly<Record<string, string>>;
  readonly scheduler_hints: Readonly<Record<string, unknown>>;
  readonly requested_availability_zone: string | null;
  readonly group_uuid: string | null;
  readonly policy: ServerGroupState['policy'] | null;
  readonly max_server_per_host: number | null;
  readonly members: ReadonlyArray<{ readonly id: InstanceId; readonly hosts: readonly HostName[] }> | null;
}

/** A member of the group that moves is listed at both hosts: it has a claim on each. */
const columns = `
         i.uuid, i.project_id, i.host, i.image_id, i.image_properties, i.scheduler_hints, i.requested_availability_zone,
         g.uuid as group_uuid, g.policy, g.max_server_per_host,
         case when g.uuid is not null then (
           select jsonb_agg(jsonb_build_object('id', n.uuid, 'hosts', to_jsonb(array(
             select h.name from claims c join hosts h on h.id = c.host_id where c.instance_uuid = n.uuid
             union select n.host where n.host is not null))))
           from instances n where n.server_group_uuid = g.uuid and n.deleted_at is null) end as members`;

/** `$1` operations. */
const operationsSql = `
  select o.id, o.kind, o.request_id, o.request,
         case when o.kind = 'cold' then m.new_flavor else i.flavor end as flavor, ${columns}
  from operations o
  join instances i on i.uuid = o.instance_uuid
  left join migrations m on m.uuid = o.migration_uuid
  left join server_groups g on g.uuid = i.server_group_uuid
  where o.id = any($1::uuid[])`;

/** `$1` instance, `$2` the request as an operation's would be: what its next move would ask. */
const moveSql = `
  select 'cold' as kind, '' as request_id, $2::jsonb as request, i.flavor, ${columns}
  from instances i
  left join server_groups g on g.uuid = i.server_group_uuid
  where i.uuid = $1 and i.deleted_at is null`;

/** The placement core's question about one operation. */
export interface AskedPlacement {
  readonly placement: PlacementRequest;
  readonly request_id: RequestId;
}

/** Builds the placement core's questions from the rows. An operation that is gone has no entry. */
export async function readPlacementRequests(
  database: Queryable,
  asked: ReadonlyArray<{ readonly operation_id: OperationId; readonly ignore_hosts: readonly HostName[] }>,
): Promise<ReadonlyMap<OperationId, AskedPlacement>> {
  const { rows } = await database.query<Row & { readonly id: OperationId }>(
    prepared(operationsSql, [asked.map(({ operation_id }) => operation_id)]),
  );
  const ignored = new Map(asked.map(({ operation_id, ignore_hosts }) => [operation_id, ignore_hosts]));
  return new Map(
    rows.map((row) => [
      row.id,
      { request_id: row.request_id, placement: placementOf(row, ignored.get(row.id) ?? []) },
    ]),
  );
}

/** The question that a move of this instance would ask, for a dry run. Null: no such instance. */
export async function readMoveRequest(
  database: Queryable,
  instance: InstanceId,
  request: OperationRequest,
): Promise<PlacementRequest | null> {
  const { rows } = await database.query<Row>(moveSql, [instance, JSON.stringify(request)]);
  const row = rows[0];
  return row === undefined ? null : placementOf(row, []);
}

function placementOf(row: Row, ignore_hosts: readonly HostName[]): PlacementRequest {
  const zone = parseZone(row.requested_availability_zone);
  const isMove = row.kind === 'cold';
  return {
    instance_id: row.uuid,
    project_id: row.project_id,
    flavor: row.flavor,
    resources: resourcesOfFlavor(row.flavor),
    image_id: row.image_id,
    image_properties: row.image_properties,
    hints: row.scheduler_hints,
    server_group: groupOf(row),
    availability_zone: zone.name,
    requested_host: row.request.host ?? null,
    ignore_hosts: isMove && row.host !== null ? [row.host, ...ignore_hosts] : ignore_hosts,
    tried_hosts: ignore_hosts,
    // A move forgets the host that the boot was forced to, as Nova does.
    forced_host: isMove ? null : (row.request.forced_host ?? zone.host),
  };
}

function groupOf(row: Row): ServerGroupState | null {
  if (row.group_uuid === null || row.policy === null) return null;
  return {
    id: serverGroupId(row.group_uuid),
    policy: row.policy,
    max_server_per_host: row.max_server_per_host ?? 1,
    members: new Map((row.members ?? []).map((member) => [member.id, member.hosts])),
  };
}

/** Nova's form of a boot's zone: `zone`, `zone:host` or `zone:host:node`. */
function parseZone(text: string | null): { readonly name: string | null; readonly host: HostName | null } {
  const [name, host] = (text ?? '').split(':');
  return {
    name: name === undefined || name === '' ? null : name,
    host: host === undefined || host === '' ? null : hostName(host),
  };
}
