import { freeDiskMebibytes } from '../columns.ts';
import type { HostClass } from '../host-class.ts';
import type { HostState, ResourceInventory } from '../model.ts';

const MEBIBYTES_PER_GIBIBYTE = 1024;

/** Attributes under Nova's names, as extra specs and the JsonFilter's queries use them. */
const attributes: Readonly<Record<string, (host: HostState) => unknown>> = {
  host: (host) => host.name,
  hypervisor_hostname: (host) => host.hypervisor_hostname,
  host_ip: (host) => host.address,
  free_ram_mb: ({ inventories }) => free(inventories.MEMORY_MB),
  total_usable_ram_mb: ({ inventories }) => inventories.MEMORY_MB?.total ?? 0,
  free_disk_mb: freeDiskMebibytes,
  total_usable_disk_gb: ({ inventories }) => inventories.DISK_GB?.total ?? 0,
  disk_mb_used: ({ inventories: { DISK_GB } }) =>
    ((DISK_GB?.used ?? 0) + (DISK_GB?.reserved ?? 0)) * MEBIBYTES_PER_GIBIBYTE,
  vcpus_total: ({ inventories }) => inventories.VCPU?.total ?? 0,
  vcpus_used: ({ inventories: { VCPU } }) => (VCPU?.used ?? 0) + (VCPU?.reserved ?? 0),
  cpu_allocation_ratio: ({ inventories }) => inventories.VCPU?.allocation_ratio,
  ram_allocation_ratio: ({ inventories }) => inventories.MEMORY_MB?.allocation_ratio,
  disk_allocation_ratio: ({ inventories }) => inventories.DISK_GB?.allocation_ratio,
  num_instances: (host) => host.instances.size,
  num_io_ops: (host) => host.io_operations,
  failed_builds: (host) => host.failed_builds,
  metrics: (host) => host.metrics,
};

/** Those that all hosts of a class share. */
const classAttributes: Readonly<Record<string, (host: HostClass) => unknown>> = {
  hypervisor_type: (host) => host.hypervisor_type,
  hypervisor_version: (host) => host.hypervisor_version,
  supported_instances: (host) => host.supported_instances,
  cpu_info: (host) => host.cpu_info,
};

export function isHostAttribute(name: string): boolean {
  return Object.hasOwn(attributes, name) || Object.hasOwn(classAttributes, name);
}

export function isClassAttribute(name: string): boolean {
  return Object.hasOwn(classAttributes, name);
}

/** The value at a path such as `cpu_info`, `topology`, `cores`; undefined when the host has none. */
export function hostAttribute(host: HostState | HostClass, path: readonly string[]): unknown {
  const [name = '', ...rest] = path;
  let value: unknown;
  if (Object.hasOwn(classAttributes, name)) value = classAttributes[name]?.(host);
  else if (Object.hasOwn(attributes, name) && 'inventories' in host) value = attributes[name]?.(host);
  for (const part of rest) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<string, unknown>)[part];
  }
  return value ?? undefined;
}

function free(inventory: ResourceInventory | undefined): number {
  return inventory === undefined ? 0 : inventory.total - inventory.reserved - inventory.used;
}
