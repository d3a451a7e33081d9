import type { Queryable } from '../../../shared/database/connect.ts';
import { conditionList } from './search-conditions.ts';

/** A compute host as a hypervisor: what it has, what is taken, which servers run on it. */
export interface HypervisorRow {
  readonly id: number;
  readonly uuid: string;
  readonly hypervisor_hostname: string;
  readonly hypervisor_type: string;
  readonly hypervisor_version: number;
  readonly host_ip: string;
  readonly is_up: boolean;
  readonly disabled: boolean;
  readonly disabled_reason: string | null;
  readonly service_id: number;
  readonly service_uuid: string;
  readonly service_host: string;
  readonly vcpus: number;
  readonly memory_mb: number;
  readonly local_gb: number;
  readonly vcpus_used: number;
  /** With the reserved memory, as Nova counts. */
  readonly memory_mb_used: number;
  readonly local_gb_used: number;
  readonly disk_available_least: number;
  readonly current_workload: number;
  readonly running_vms: number;
  readonly cpu_info: object;
  readonly uptime: string;
  readonly servers: ReadonlyArray<{ readonly name: string; readonly uuid: string }>;
}

export interface HypervisorSearch {
  readonly id?: number;
  readonly uuid?: string;
  /** Part of the hypervisor's name. */
  readonly pattern?: string;
  /** Only those after this one, by their numbers. */
  readonly after_id?: number;
  readonly limit?: number;
}

const BYTES_PER_GIBIBYTE = 1024 ** 3;

/** In the order of their registration; one query, whatever the number of hosts. */
export async function listHypervisors(
  database: Queryable,
  search: HypervisorSearch,
  service_down_time_seconds: number,
): Promise<HypervisorRow[]> {
  const conditions = conditionList([service_down_time_seconds, BYTES_PER_GIBIBYTE]);
  if (search.id !== undefined) conditions.add(`h.id = ${conditions.place(search.id)}`);
  if (search.uuid !== undefined) conditions.add(`h.uuid = ${conditions.place(search.uuid)}`);
  if (search.after_id !== undefined) conditions.add(`h.id > ${conditions.place(search.after_id)}`);
  if (search.pattern !== undefined) {
    conditions.add(
      `position(lower(${conditions.place(search.pattern)}) in lower(h.hypervisor_hostname)) > 0`,
    );
  }
  const where = conditions.conditions.length > 0 ? `where ${conditions.conditions.join(' and ')}` : '';
  const limit = search.limit === undefined ? '' : `limit ${conditions.place(search.limit)}`;
  const { rows } = await database.query<HypervisorRow>(
    `select h.id, h.uuid, h.hypervisor_hostname, h.hypervisor_type, h.hypervisor_version, h.address as host_ip,
            not s.forced_down and coalesce(s.last_seen_at > now() - make_interval(secs => $1), false) as is_up,
            s.disabled, s.disabled_reason, s.id as service_id, s.uuid as service_uuid, s.host as service_host,
            h.vcpus, h.memory_mb, h.local_gb, v.vcpus_used, v.memory_mb_used, v.local_gb_used,
            coalesce(h.disk_available_bytes / $2::bigint, 0)::integer as disk_available_least,
            i.current_workload, i.running_vms, h.cpu_info, h.uptime, i.servers
     from hosts h join services s on s.id = h.service_id
     cross join lateral (
       select coalesce(sum(used) filter (where resource_class = 'VCPU'), 0)::integer as vcpus_used,
              coalesce(sum(used + reserved) filter (where resource_class = 'MEMORY_MB'), 0)::integer as memory_mb_used,
              coalesce(sum(used + reserved) filter (where resource_class = 'DISK_GB'), 0)::integer as local_gb_used
       from host_inventories where host_id = h.id) v
     cross join lateral (
       select count(*)::integer as running_vms,
              (count(*) filter (where task_state is not null))::integer as current_workload,
              coalesce(jsonb_agg(jsonb_build_object('name', 'instance-' || lpad(to_hex(id), 8, '0'), 'uuid', uuid)
                                 order by id), '[]') as servers
       from instances where host = h.name and deleted_at is null) i
     ${where} order by h.id ${limit}`,
    conditions.parameters,
  );
  return rows;
}
