import type { PlacementRequest } from '../model.ts';
import type { PciAlias, PlacementSettings } from '../settings.ts';

/** So many devices that match one alias. */
export interface PciRequest {
  readonly aliases: readonly PciAlias[];
  readonly name: string;
  readonly count: number;
}

/**
 * What the flavor's `pci_passthrough:alias` asks for, such as `gpu:2,nic:1`. An alias may be configured several times:
 * any of its devices will do. An unknown alias has no devices.
 */
export function pciRequestsOf(request: PlacementRequest, settings: PlacementSettings): readonly PciRequest[] {
  const spec = request.flavor.extra_specs['pci_passthrough:alias'];
  if (spec === undefined || spec.trim() === '') return [];
  return spec.split(',').map((part) => {
    const [name = '', count = '1'] = part.trim().split(':');
    return {
      name,
      count: Number(count),
      aliases: settings.pci_aliases.filter((alias) => alias.name === name),
    };
  });
}
