import { timeWithMicroseconds } from '../http/times.ts';
import type { ProjectUsage, ServerUsage } from '../queries/usage.ts';

/** Usage of one project; `server_usages` only where the servers were asked for. */
export function usageView(
  usage: ProjectUsage,
  period: { readonly start: Date; readonly stop: Date },
): object {
  return {
    tenant_id: usage.project_id,
    ...(usage.servers === null
      ? {}
      : { server_usages: usage.servers.map((server) => serverUsage(usage.project_id, server)) }),
    total_local_gb_usage: usage.local_gb_hours,
    total_vcpus_usage: usage.vcpu_hours,
    total_memory_mb_usage: usage.memory_mb_hours,
    total_hours: usage.hours,
    start: timeWithMicroseconds(period.start),
    stop: timeWithMicroseconds(period.stop),
  };
}

function serverUsage(project_id: string, server: ServerUsage): object {
  const time = (text: string | null) => (text === null ? null : timeWithMicroseconds(new Date(text)));
  return {
    hours: server.hours,
    flavor: server.flavor_name,
    instance_id: server.uuid,
    name: server.name,
    memory_mb: server.memory_mb,
    local_gb: server.local_gb,
    vcpus: server.vcpus,
    tenant_id: project_id,
    started_at: time(server.started_at),
    ended_at: time(server.ended_at),
    state: server.state,
    uptime: server.uptime_seconds,
  };
}
