import type { RegisterRoutes } from '../services.ts';
import { droverPolicies } from './policies.ts';

interface HostRecord {
  readonly name: string;
  readonly uuid: string;
  readonly hypervisor_type: string;
  readonly address: string;
  readonly agent_version: string;
  readonly disabled: boolean;
  readonly disabled_reason: string | null;
  readonly forced_down: boolean;
  readonly is_fresh: boolean;
  readonly last_seen_at: Date | null;
  readonly claim_rejections: number;
  readonly availability_zone: string | null;
  readonly servers: number;
  readonly inventories: Readonly<Record<string, object>> | null;
}

/** /drover/v1/hosts: one line a host: is it there, may it take servers, what is taken. */
export const registerDroverHosts: RegisterRoutes = (app, services) => {
  app.get('/hosts', async (request) => {
    const { caller } = request;
    services.policy.authorize(droverPolicies.hosts, { project_id: caller.project_id }, caller);
    const { service_down_time, default_availability_zone } = services.configuration.DEFAULT;
    const { rows } = await services.pool.query<HostRecord>(
      `select h.name, h.uuid, h.hypervisor_type, h.address, h.agent_version, h.claim_rejections,
              s.disabled, s.disabled_reason, s.forced_down, s.last_seen_at,
              coalesce(s.last_seen_at > now() - make_interval(secs => $1), false) as is_fresh,
              (select a.metadata->>'availability_zone' from aggregate_hosts ah
                 join aggregates a on a.id = ah.aggregate_id
                where ah.host_id = h.id and a.metadata ? 'availability_zone' limit 1) as availability_zone,
              (select count(*)::integer from instances i
                where i.host = h.name and i.deleted_at is null) as servers,
              (select jsonb_object_agg(v.resource_class, jsonb_build_object(
                        'total', v.total, 'reserved', v.reserved, 'allocation_ratio', v.allocation_ratio,
                        'used', v.used,
                        'capacity', floor((v.total - v.reserved) * v.allocation_ratio)::bigint))
                 from host_inventories v where v.host_id = h.id) as inventories
       from hosts h join services s on s.id = h.service_id
       order by h.id`,
      [service_down_time],
    );
    return {
      hosts: rows.map((row) => ({
        name: row.name,
        id: row.uuid,
        state: row.is_fresh && !row.forced_down ? 'up' : 'down',
        status: row.disabled ? 'disabled' : 'enabled',
        disabled_reason: row.disabled_reason,
        forced_down: row.forced_down,
        availability_zone: row.availability_zone ?? default_availability_zone,
        address: row.address,
        hypervisor_type: row.hypervisor_type,
        agent_version: row.agent_version,
        servers: row.servers,
        claim_rejections: row.claim_rejections,
        inventories: row.inventories ?? {},
        last_seen_at: row.last_seen_at?.toISOString() ?? null,
      })),
    };
  });
};
