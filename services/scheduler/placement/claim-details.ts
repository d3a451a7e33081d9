import type { ClaimDetails, HostState, PlacementRequest } from './model.ts';
import { fitNuma, type NumaMisfit } from './numa/fit.ts';
import { numaRequestOf, type NumaRequest } from './numa/request.ts';
import { allocateDevices } from './pci/allocate.ts';
import { pciRequestsOf, type PciRequest } from './pci/request.ts';
import type { PlacementSettings } from './settings.ts';

/** Cells, and the devices near them, for a guest with a NUMA topology. */
export function numaDetails(
  host: HostState,
  wanted: NumaRequest,
  devices: readonly PciRequest[],
): ClaimDetails | { readonly misfit: NumaMisfit } {
  let pci_addresses: readonly string[] = [];
  const fit = fitNuma(host, wanted, (cells) => {
    if (devices.length === 0) return true;
    const allocation = allocateDevices(host, devices, new Set(cells.map(({ cell }) => cell)));
    if (!('addresses' in allocation)) return false;
    pci_addresses = allocation.addresses;
    return true;
  });
  if ('misfit' in fit) return fit;
  return { numa_cells: fit.cells, ...(pci_addresses.length > 0 ? { pci_addresses } : {}) };
}

/**
 * The cpus, pages and devices that a claim of this request on this host holds by name. Null when it needs none, and when
 * the host has too few (then no filter was enabled that would have said so). The claim asks again under lock.
 */
export function claimDetailsFor(
  host: HostState,
  request: PlacementRequest,
  settings: PlacementSettings,
): ClaimDetails | null {
  const wanted = numaRequestOf(request);
  const devices = pciRequestsOf(request, settings);
  if (wanted !== null) {
    if ('problem' in wanted) return null;
    const details = numaDetails(host, wanted, devices);
    return 'misfit' in details ? null : details;
  }
  if (devices.length === 0) return null;
  const allocation = allocateDevices(host, devices, null);
  return 'addresses' in allocation ? { pci_addresses: allocation.addresses } : null;
}
