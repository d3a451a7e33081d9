import type { PciDeviceReport } from '../../../../shared/messaging/host-report.ts';
import type { HostState } from '../model.ts';
import type { PciAlias } from '../settings.ts';
import type { PciRequest } from './request.ts';

export type PciAllocation =
  { readonly addresses: readonly string[] } | { readonly missing: PciRequest; readonly available: number };

/**
 * Free devices for all requests, or the first request that has too few.
 *
 * @param cells host NUMA cells of the guest; null: the guest has none, and devices may be anywhere
 */
export function allocateDevices(
  host: HostState,
  requests: readonly PciRequest[],
  cells: ReadonlySet<number> | null,
): PciAllocation {
  const taken = new Set((host.claim_details ?? []).flatMap((details) => details.pci_addresses ?? []));
  const addresses: string[] = [];
  for (const request of requests) {
    const matching = host.pci_devices
      .filter((device) => !taken.has(device.address))
      .filter((device) =>
        request.aliases.some((alias) => matches(device, alias) && isNear(device, alias, cells)),
      )
      // Devices near the guest first: `preferred` takes distant ones only when it must.
      .sort((left, right) => Number(isIn(right, cells)) - Number(isIn(left, cells)));
    if (!(matching.length >= request.count)) return { missing: request, available: matching.length };
    for (const { address } of matching.slice(0, request.count)) {
      taken.add(address);
      addresses.push(address);
    }
  }
  return { addresses };
}

function matches(device: PciDeviceReport, alias: PciAlias): boolean {
  return (
    (alias.vendor_id === undefined || alias.vendor_id === device.vendor_id) &&
    (alias.product_id === undefined || alias.product_id === device.product_id) &&
    // A whole physical function is given only to aliases that ask for one.
    (alias.device_type === undefined
      ? device.device_type !== 'type-PF'
      : alias.device_type === device.device_type)
  );
}

function isIn(device: PciDeviceReport, cells: ReadonlySet<number> | null): boolean {
  return cells === null || (device.numa_node !== null && cells.has(device.numa_node));
}

function isNear(device: PciDeviceReport, alias: PciAlias, cells: ReadonlySet<number> | null): boolean {
  const policy = alias.numa_policy ?? 'legacy';
  switch (policy) {
    case 'preferred':
      return true;
    case 'legacy':
      return device.numa_node === null || isIn(device, cells);
    case 'required':
    case 'socket':
      return isIn(device, cells);
    default:
      return policy satisfies never;
  }
}
