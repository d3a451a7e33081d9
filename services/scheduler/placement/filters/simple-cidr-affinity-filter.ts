import { pass, reject, type Filter } from './filter.ts';
import { textOfHint } from './hints.ts';
import { inSameNetwork } from './network-address.ts';

/** The host's address is in the network that the hints `build_near_host_ip` and `cidr` (default /24) name. */
export const SimpleCIDRAffinityFilter: Filter = {
  name: 'SimpleCIDRAffinityFilter',
  prepare: ({ request }) => {
    const near = textOfHint(request, 'build_near_host_ip');
    if (near === null) return null;
    const cidr = textOfHint(request, 'cidr') ?? '/24';
    const prefix = Number(/^\/?(\d{1,3})$/.exec(cidr)?.[1] ?? Number.NaN);
    const asked = `${near}/${cidr.replace(/^\//, '')}`;
    return {
      reads: 'host',
      check: (host) =>
        inSameNetwork(host.address, near, prefix)
          ? pass
          : reject('outside_network', 'its address {available} is not in {asked}', {
              asked,
              available: host.address,
            }),
    };
  },
};
