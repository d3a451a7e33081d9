import type { Queryable } from '../../../shared/database/connect.ts';
import type { HostName, InstanceId, ProjectId } from '../../../shared/domain/ids.ts';
import type { NumaCellReport, PciDeviceReport } from '../../../shared/messaging/host-report.ts';
import type { ClaimDetails, HostAggregate, HostState, ResourceInventory } from '../placement/model.ts';
import { prepared } from '../drive/statement.ts';

/** All of a host but whether it is up, which is the clock's to say. */
export type LoadedHost = Omit<HostState, 'up'>;

interface Row {
  readonly id: number;
  readonly name: HostName;
  readonly hypervisor_hostname: string;
  readonly hypervisor_type: string;
  readonly hypervisor_version: number;
  readonly address: string;
  readonly generation: number;
  readonly disabled: boolean;
  readonly disabled_reason: string | null;
  readonly disk_available_bytes: number | null;
  readonly supported_instances: HostState['supported_instances'];
  readonly cpu_info: Readonly<Record<string, unknown>>;
  readonly metrics: ReadonlyArray<{ readonly name: string; readonly value: number }>;
  readonly numa_cells: readonly NumaCellReport[];
  readonly pci_devices: readonly PciDeviceReport[];
  readonly failed_builds: number;
  readonly inventories: Readonly<Record<string, ResourceInventory>> | null;
  readonly aggregates: readonly HostAggregate[] | null;
  readonly claim_details: readonly ClaimDetails[] | null;
  readonly io_operations: number;
  readonly instances: ReadonlyArray<{
    readonly id: InstanceId;
    readonly project_id: ProjectId;
    readonly image_properties: Readonly<Record<string, string>>;
  }> | null;
}

/**
 * Reads hosts in full. An instance counts where it lives and where it has a claim of its own: during a move that is
 * the target, from the moment it was chosen. The claim that a migration keeps on the source counts as capacity only.
 */
const hostsSql = `
  select h.id, h.name, h.hypervisor_hostname, h.hypervisor_type, h.hypervisor_version, h.address, h.generation,
         s.disabled, s.disabled_reason, h.disk_available_bytes, h.supported_instances, h.cpu_info, h.metrics,
         h.numa_cells, h.pci_devices, h.failed_builds,
         (select jsonb_object_agg(n.resource_class, jsonb_build_object('total', n.total, 'reserved', n.reserved,
            'allocation_ratio', n.allocation_ratio, 'max_unit', n.max_unit, 'used', n.used))
          from host_inventories n where n.host_id = h.id) as inventories,
         (select jsonb_agg(jsonb_build_object('id', a.id, 'name', a.name, 'metadata', a.metadata) order by a.id)
          from aggregates a join aggregate_hosts ah on ah.aggregate_id = a.id where ah.host_id = h.id) as aggregates,
         (select jsonb_agg(d.details) from (
            select distinct c.consumer_uuid, c.details from claims c
            where c.host_id = h.id and c.details is not null) d) as claim_details,
         (select jsonb_agg(jsonb_build_object('id', i.uuid, 'project_id', i.project_id,
            'image_properties', i.image_properties))
          from instances i where i.deleted_at is null and i.uuid in (
            select uuid from instances where host = h.name and deleted_at is null
            union select c.consumer_uuid from claims c where c.host_id = h.id and c.consumer_kind = 'instance'
          )) as instances,
         (select count(*) from operations o
          where o.state in ('running', 'unwinding') and o.kind in ('create', 'cold') and o.instance_uuid in (
            select uuid from instances where host = h.name and deleted_at is null
            union select c.consumer_uuid from claims c where c.host_id = h.id and c.consumer_kind = 'instance'
          )) as io_operations
  from hosts h join services s on s.id = h.service_id
  where h.id = any($1::integer[])
  order by h.id`;

/** @param default_availability_zone of hosts that no aggregate puts into another one. */
export async function loadHosts(
  database: Queryable,
  ids: readonly number[],
  default_availability_zone: string,
): Promise<LoadedHost[]> {
  if (ids.length === 0) return [];
  const { rows } = await database.query<Row>(prepared(hostsSql, [ids]));
  return rows.map((row) => toLoadedHost(row, default_availability_zone));
}

function toLoadedHost(row: Row, default_availability_zone: string): LoadedHost {
  const aggregates = row.aggregates ?? [];
  const zone = aggregates.find(({ metadata }) => metadata['availability_zone'] !== undefined);
  const { disabled, metrics, instances, claim_details, ...plain } = row;
  return {
    ...plain,
    enabled: !disabled,
    inventories: row.inventories ?? {},
    aggregates,
    availability_zone: zone?.metadata['availability_zone'] ?? default_availability_zone,
    metrics: Object.fromEntries(metrics.map(({ name, value }) => [name, value])),
    instances: new Map((instances ?? []).map((instance) => [instance.id, instance])),
    claim_details: claim_details ?? [],
  };
}
