import type { HostAggregate, HostState, ResourceInventory, Snapshot } from '../model.ts';
import { formatVersion } from './format.ts';
import { quotePair, quoteWord } from './words.ts';

/** @returns text that `loadCluster` reads back to an equal snapshot */
export function dumpCluster(snapshot: Snapshot): string {
  const aggregates = new Map<number, HostAggregate>();
  for (const host of snapshot.hosts) {
    for (const aggregate of host.aggregates) aggregates.set(aggregate.id, aggregate);
  }
  const in_order = [...aggregates.values()].sort((left, right) => left.id - right.id);
  const lines = [
    line(['drover-cluster', formatVersion], { version: snapshot.version }),
    ...in_order.map(({ id, name, metadata }) => line(['aggregate', String(id), name], metadata)),
    ...snapshot.hosts.flatMap(hostLines),
  ];
  return `${lines.join('\n')}\n`;
}

function hostLines(host: HostState): readonly string[] {
  const { name } = host;
  return [
    line(['host', name, host.up ? 'up' : 'down', host.enabled ? 'enabled' : 'disabled'], {
      id: host.id,
      zone: host.availability_zone,
      address: host.address,
      hypervisor: `${host.hypervisor_type}/${host.hypervisor_version}`,
      node: host.hypervisor_hostname === name ? null : host.hypervisor_hostname,
      aggregates: host.aggregates.length === 0 ? null : host.aggregates.map(({ id }) => id).join(','),
      reason: host.disabled_reason,
      generation: host.generation,
      failed_builds: host.failed_builds === 0 ? null : host.failed_builds,
      io_operations: host.io_operations === 0 ? null : host.io_operations,
      disk_available_bytes: host.disk_available_bytes,
    }),
    ...Object.entries(host.inventories).flatMap(([resource, inventory]) =>
      inventory === undefined ? [] : [inventoryLine(name, resource, inventory)],
    ),
    ...[...host.instances.values()].map(({ id, project_id, image_properties }) =>
      line(['instance', name, id], {
        project: project_id,
        ...Object.fromEntries(
          Object.entries(image_properties).map(([key, value]) => [`image.${key}`, value]),
        ),
      }),
    ),
    `facts ${quoteWord(name)} ${JSON.stringify(factsOf(host))}`,
  ];
}

function inventoryLine(host: string, resource: string, inventory: ResourceInventory): string {
  const { total, reserved, allocation_ratio, max_unit, used } = inventory;
  return line(['inventory', host, resource], {
    total,
    reserved,
    ratio: allocation_ratio,
    max: max_unit,
    used,
  });
}

/** What has too much structure for a line; left out where there is nothing to say. */
function factsOf(host: HostState): object {
  return {
    supported_instances: host.supported_instances,
    ...(Object.keys(host.cpu_info).length === 0 ? {} : { cpu_info: host.cpu_info }),
    ...(Object.keys(host.metrics).length === 0 ? {} : { metrics: host.metrics }),
    ...(host.numa_cells.length === 0 ? {} : { numa_cells: host.numa_cells }),
    ...(host.pci_devices.length === 0 ? {} : { pci_devices: host.pci_devices }),
    ...(host.claim_details === undefined ? {} : { claim_details: host.claim_details }),
  };
}

/** @param pairs null: left out */
function line(words: readonly string[], pairs: Readonly<Record<string, string | number | null>>): string {
  const written = Object.entries(pairs).flatMap(([key, value]) =>
    value === null ? [] : [quotePair(key, value)],
  );
  return [...words.map(quoteWord), ...written].join(' ');
}
