import type { Queryable } from '../../../shared/database/connect.ts';
import type { HostName, InstanceId, ProjectId } from '../../../shared/domain/ids.ts';
import type { FlavorSpec } from '../../../shared/domain/instance-spec.ts';
import type { PowerState, TaskState, VmState } from '../../../shared/domain/states.ts';

/** One instance with everything that the views of a server show, read in one query. */
export interface ServerRow {
  readonly id: number;
  readonly uuid: InstanceId;
  readonly project_id: ProjectId;
  readonly user_id: string;
  readonly name: string;
  readonly description: string | null;
  readonly hostname: string;
  readonly reservation_id: string;
  readonly launch_index: number;
  readonly flavor: FlavorSpec;
  readonly image_id: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly tags: readonly string[];
  readonly server_group_uuid: string | null;
  readonly availability_zone: string | null;
  readonly key_name: string | null;
  readonly config_drive: string;
  readonly user_data: string | null;
  readonly disk_config: 'AUTO' | 'MANUAL';
  readonly access_ip_v4: string | null;
  readonly access_ip_v6: string | null;
  readonly root_device_name: string | null;
  readonly addresses: Readonly<Record<string, readonly ServerAddress[]>>;
  readonly security_groups: readonly { readonly name: string }[];
  readonly host: HostName | null;
  readonly node: string | null;
  readonly vm_state: VmState;
  readonly task_state: TaskState | null;
  readonly power_state: PowerState;
  readonly progress: number;
  readonly locked_by: 'admin' | 'owner' | null;
  readonly locked_reason: string | null;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly launched_at: Date | null;
  readonly terminated_at: Date | null;
  readonly deleted_at: Date | null;
  /** Nova's word for the host's agent: UP, DOWN, MAINTENANCE or UNKNOWN; '' where there is no host. */
  readonly host_status: 'UP' | 'DOWN' | 'MAINTENANCE' | 'UNKNOWN' | '';
  readonly fault_code: number | null;
  readonly fault_message: string | null;
  readonly fault_details: string | null;
  readonly fault_created_at: Date | null;
}

export interface ServerAddress {
  readonly version: 4 | 6;
  readonly addr: string;
}

/**
 * Columns of ServerRow. `$1` is always `service_down_time_seconds`: an agent that was silent for longer counts as
 * unknown. The newest fault is looked up only for rows that show it.
 */
export const serverColumns = `
  i.id, i.uuid, i.project_id, i.user_id, i.name, i.description, i.hostname, i.reservation_id, i.launch_index,
  i.flavor, i.image_id, i.metadata, i.tags, g.uuid as server_group_uuid, i.availability_zone, i.key_name,
  i.config_drive, i.user_data, i.disk_config, i.access_ip_v4, i.access_ip_v6, i.root_device_name, i.addresses,
  i.security_groups, i.host, i.node, i.vm_state, i.task_state, i.power_state, i.progress, i.locked_by,
  i.locked_reason, i.created_at, i.updated_at, i.launched_at, i.terminated_at, i.deleted_at,
  case when i.host is null then ''
       when s.forced_down then 'DOWN'
       when s.last_seen_at is null or s.last_seen_at < now() - make_interval(secs => $1) then 'UNKNOWN'
       when s.disabled then 'MAINTENANCE'
       else 'UP' end as host_status,
  f.code as fault_code, f.message as fault_message, f.details as fault_details, f.created_at as fault_created_at`;

export const serverJoins = `
  left join services s on s.host = i.host and s.binary_name = 'nova-compute'
  left join server_groups g on g.uuid = i.server_group_uuid
  left join lateral (
    select code, message, details, created_at from instance_faults
    where instance_uuid = i.uuid and (i.vm_state = 'error' or i.deleted_at is not null)
    order by id desc limit 1
  ) f on true`;

/** Who asks: an administrator sees every project, others their own. */
export interface Visibility {
  readonly project_id: ProjectId;
  readonly is_admin: boolean;
}

export interface FindServerOptions {
  readonly service_down_time_seconds: number;
  /** Nova's read_deleted="yes": actions stay readable after the server has gone. */
  readonly with_deleted?: boolean;
}

const uuidForm = /^[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}$/i;

/** The server with this id, or null if there is none that the caller may see. Any text is allowed as id. */
export async function findServer(
  database: Queryable,
  id: string,
  visibility: Visibility,
  options: FindServerOptions,
): Promise<ServerRow | null> {
  if (!uuidForm.test(id)) return null;
  const { rows } = await database.query<ServerRow>({
    name: 'find-server',
    text: `select ${serverColumns}
     from instances i ${serverJoins}
     where i.uuid = $2
       and ($3 or i.project_id = $4)
       and ($5 or i.deleted_at is null)`,
    values: [
      options.service_down_time_seconds,
      id,
      visibility.is_admin,
      visibility.project_id,
      options.with_deleted ?? false,
    ],
  });
  return rows[0] ?? null;
}
