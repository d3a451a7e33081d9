import type { Queryable } from '../../../shared/database/connect.ts';

/** What one host has and what the servers on it were promised, per project. */
export interface HostResources {
  readonly name: string;
  readonly total: Resources;
  /** With what is reserved for the host itself. */
  readonly used: Resources;
  readonly projects: ReadonlyArray<Resources & { readonly project_id: string }>;
}

export interface Resources {
  readonly vcpus: number;
  readonly memory_mb: number;
  readonly disk_gb: number;
}

/** Null for a host that never reported. */
export async function findHostResources(database: Queryable, name: string): Promise<HostResources | null> {
  const { rows } = await database.query<HostResources>(
    `select h.name,
            jsonb_build_object('vcpus', h.vcpus, 'memory_mb', h.memory_mb, 'disk_gb', h.local_gb) as total,
            (select jsonb_build_object(
               'vcpus', coalesce(sum(used) filter (where resource_class = 'VCPU'), 0),
               'memory_mb', coalesce(sum(used + reserved) filter (where resource_class = 'MEMORY_MB'), 0),
               'disk_gb', coalesce(sum(used + reserved) filter (where resource_class = 'DISK_GB'), 0))
             from host_inventories where host_id = h.id) as used,
            (select coalesce(jsonb_agg(to_jsonb(p) order by p.project_id), '[]') from (
               select project_id, sum((flavor->>'vcpus')::bigint) as vcpus,
                      sum((flavor->>'memory_mb')::bigint) as memory_mb,
                      sum((flavor->>'root_gb')::bigint + (flavor->>'ephemeral_gb')::bigint) as disk_gb
               from instances where host = h.name and deleted_at is null group by project_id) p) as projects
     from hosts h where h.name = $1`,
    [name],
  );
  return rows[0] ?? null;
}
