import type { HostResources, Resources } from '../queries/hosts.ts';
import type { ServiceRow } from '../queries/services.ts';

/** A line of GET /os-hosts: recordings `hosts`. */
export function hostSummary(row: ServiceRow): object {
  return { host_name: row.host, service: row.binary_name.replace(/^nova-/, ''), zone: row.zone };
}

/** GET /os-hosts/{name}: the whole, what is taken now, what the servers may take at most, and that per project. */
export function hostView(host: HostResources): object {
  const line = (project: string, { vcpus, memory_mb, disk_gb }: Resources) => ({
    resource: { host: host.name, project, cpu: vcpus, memory_mb, disk_gb },
  });
  const promised = host.projects.reduce<Resources>(
    (sum, one) => ({
      vcpus: sum.vcpus + one.vcpus,
      memory_mb: sum.memory_mb + one.memory_mb,
      disk_gb: sum.disk_gb + one.disk_gb,
    }),
    { vcpus: 0, memory_mb: 0, disk_gb: 0 },
  );
  return {
    host: [
      line('(total)', host.total),
      line('(used_now)', host.used),
      line('(used_max)', promised),
      ...host.projects.map((one) => line(one.project_id, one)),
    ],
  };
}
