import type { HypervisorRow } from '../queries/hypervisors.ts';

type VersionCheck = (minor: number) => boolean;

/** A hypervisor in GET /os-hypervisors: recordings `hypervisors`. */
export function hypervisorSummary(row: HypervisorRow, atLeast: VersionCheck): object {
  return {
    id: atLeast(53) ? row.uuid : row.id,
    hypervisor_hostname: row.hypervisor_hostname,
    state: row.is_up ? 'up' : 'down',
    status: row.disabled ? 'disabled' : 'enabled',
  };
}

/** A hypervisor in full. From 2.88 on the figures are gone and the uptime is here instead. */
export function hypervisorView(row: HypervisorRow, atLeast: VersionCheck): object {
  return {
    ...hypervisorSummary(row, atLeast),
    hypervisor_type: row.hypervisor_type,
    hypervisor_version: row.hypervisor_version,
    host_ip: row.host_ip,
    service: {
      id: atLeast(53) ? row.service_uuid : row.service_id,
      host: row.service_host,
      disabled_reason: row.disabled_reason,
    },
    ...(atLeast(88) ? { uptime: row.uptime } : figures(row, atLeast)),
  };
}

function figures(row: HypervisorRow, atLeast: VersionCheck): object {
  return {
    vcpus: row.vcpus,
    memory_mb: row.memory_mb,
    local_gb: row.local_gb,
    vcpus_used: row.vcpus_used,
    memory_mb_used: row.memory_mb_used,
    local_gb_used: row.local_gb_used,
    free_ram_mb: row.memory_mb - row.memory_mb_used,
    free_disk_gb: row.local_gb - row.local_gb_used,
    current_workload: row.current_workload,
    running_vms: row.running_vms,
    disk_available_least: row.disk_available_least,
    cpu_info: atLeast(28) ? row.cpu_info : JSON.stringify(row.cpu_info),
  };
}

/** From 2.75 on the key is there even without servers. */
export function hypervisorServers(row: HypervisorRow, atLeast: VersionCheck): object {
  return row.servers.length > 0 || atLeast(75) ? { servers: row.servers } : {};
}

/** Sums over the hosts whose service is enabled (facts document, section 1.5). */
export function hypervisorStatistics(rows: readonly HypervisorRow[]): object {
  const counted = rows.filter((row) => !row.disabled);
  const sum = (figure: (row: HypervisorRow) => number): number =>
    counted.reduce((total, row) => total + figure(row), 0);
  return {
    count: counted.length,
    vcpus: sum((row) => row.vcpus),
    memory_mb: sum((row) => row.memory_mb),
    local_gb: sum((row) => row.local_gb),
    vcpus_used: sum((row) => row.vcpus_used),
    memory_mb_used: sum((row) => row.memory_mb_used),
    local_gb_used: sum((row) => row.local_gb_used),
    free_ram_mb: sum((row) => row.memory_mb - row.memory_mb_used),
    free_disk_gb: sum((row) => row.local_gb - row.local_gb_used),
    current_workload: sum((row) => row.current_workload),
    running_vms: sum((row) => row.running_vms),
    disk_available_least: sum((row) => row.disk_available_least),
  };
}
