import type { HostAggregate, HostState, Snapshot } from '../model.ts';
import { formatVersion } from './format.ts';
import { quoteWord } from './words.ts';

/** @returns text that `loadCluster` reads back to an equal snapshot */
export function dumpCluster(snapshot: Snapshot): string {
  const aggregates = new Map<number, HostAggregate>();
  for (const host of snapshot.hosts)
    for (const aggregate of host.aggregates) aggregates.set(aggregate.id, aggregate);
  const lines = [line('drover-cluster', formatVersion, pair('version', snapshot.version))];
  for (const { id, name, metadata } of [...aggregates.values()].sort((left, right) => left.id - right.id)) {
    lines.push(
      line(
        'aggregate',
        String(id),
        name,
        ...Object.entries(metadata).map(([key, value]) => pair(key, value)),
      ),
    );
  }
  for (const host of snapshot.hosts) lines.push(...hostLines(host));
  return lines.join('\n') + '\n';
}

function hostLines(host: HostState): readonly string[] {
  const flags = [host.up ? 'up' : 'down', host.enabled ? 'enabled' : 'disabled'];
  const lines = [
    line(
      'host',
      host.name,
      ...flags,
      pair('id', host.id),
      pair('zone', host.availability_zone),
      pair('address', host.address),
      pair('hypervisor', `${host.hypervisor_type}/${host.hypervisor_version}`),
      ...(host.hypervisor_hostname === host.name ? [] : [pair('node', host.hypervisor_hostname)]),
      ...(host.aggregates.length === 0
        ? []
        : [pair('aggregates', host.aggregates.map(({ id }) => id).join(','))]),
      ...(host.disabled_reason === null ? [] : [pair('reason', host.disabled_reason)]),
      ...(host.generation === 0 ? [] : [pair('generation', host.generation)]),
      ...(host.failed_builds === 0 ? [] : [pair('failed_builds', host.failed_builds)]),
      ...(host.io_operations === 0 ? [] : [pair('io_operations', host.io_operations)]),
      ...(host.disk_available_bytes === null
        ? []
        : [pair('disk_available_bytes', host.disk_available_bytes)]),
    ),
  ];
  for (const [name, inventory] of Object.entries(host.inventories)) {
    if (inventory === undefined) continue;
    const { total, reserved, allocation_ratio, max_unit, used } = inventory;
    lines.push(
      line(
        'inventory',
        host.name,
        name,
        pair('total', total),
        pair('reserved', reserved),
        pair('ratio', allocation_ratio),
        pair('max', max_unit),
        pair('used', used),
      ),
    );
  }
  for (const { id, project_id, image_properties } of host.instances.values()) {
    const properties = Object.entries(image_properties).map(([key, value]) => pair(`image.${key}`, value));
    lines.push(line('instance', host.name, id, pair('project', project_id), ...properties));
  }
  const facts = JSON.stringify({
    supported_instances: host.supported_instances,
    ...(Object.keys(host.cpu_info).length === 0 ? {} : { cpu_info: host.cpu_info }),
    ...(Object.keys(host.metrics).length === 0 ? {} : { metrics: host.metrics }),
    ...(host.numa_cells.length === 0 ? {} : { numa_cells: host.numa_cells }),
    ...(host.pci_devices.length === 0 ? {} : { pci_devices: host.pci_devices }),
    ...(host.claim_details === undefined ? {} : { claim_details: host.claim_details }),
  });
  return [...lines, `facts ${quoteWord(host.name)} ${facts}`];
}

function line(...words: readonly string[]): string {
  return words.map(quoteWord).join(' ');
}

function pair(key: string, value: string | number): string {
  return `${key}=${value}`;
}
