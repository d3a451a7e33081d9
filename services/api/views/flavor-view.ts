import type { FlavorSpec } from '../../../shared/domain/instance-spec.ts';
import type { LinkMaker } from '../http/links.ts';

type VersionCheck = (minor: number) => boolean;

/** A flavor in GET /flavors: recordings `flavors`. */
export function flavorSummary(flavor: FlavorSpec, links: LinkMaker, atLeast: VersionCheck): object {
  return {
    id: flavor.flavor_id,
    name: flavor.name,
    links: links.pair('flavors', flavor.flavor_id),
    ...(atLeast(55) ? { description: flavor.description } : {}),
  };
}

/** A flavor in full. `extra_specs` only from 2.61 and only for those whom policy lets see them. */
export function flavorView(
  flavor: FlavorSpec,
  links: LinkMaker,
  atLeast: VersionCheck,
  shows_extra_specs: boolean,
): object {
  return {
    id: flavor.flavor_id,
    name: flavor.name,
    ram: flavor.memory_mb,
    disk: flavor.root_gb,
    swap: flavor.swap_mb === 0 && !atLeast(75) ? '' : flavor.swap_mb,
    'OS-FLV-EXT-DATA:ephemeral': flavor.ephemeral_gb,
    'OS-FLV-DISABLED:disabled': flavor.disabled,
    vcpus: flavor.vcpus,
    'os-flavor-access:is_public': flavor.is_public,
    rxtx_factor: flavor.rxtx_factor,
    links: links.pair('flavors', flavor.flavor_id),
    ...(atLeast(55) ? { description: flavor.description } : {}),
    ...(atLeast(61) && shows_extra_specs ? { extra_specs: flavor.extra_specs } : {}),
  };
}
