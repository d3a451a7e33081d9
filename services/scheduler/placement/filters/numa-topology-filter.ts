import { numaDetails } from '../claim-details.ts';
import { numaRequestOf } from '../numa/request.ts';
import { pciRequestsOf } from '../pci/request.ts';
import { pass, reject, type Filter } from './filter.ts';

/**
 * The guest's NUMA cells fit the host's: cpus to pin or to share, memory, pages of the size asked for, and PCI devices
 * near them. Reads flavor and image (numa/request.ts), cells that agents report, and what claims hold of them.
 */
export const NUMATopologyFilter: Filter = {
  name: 'NUMATopologyFilter',
  prepare: ({ request, settings }) => {
    const wanted = numaRequestOf(request);
    if (wanted === null) return null;
    if ('problem' in wanted) {
      const verdict = reject('numa_contradiction', wanted.problem);
      return { reads: 'class', check: () => verdict };
    }
    const devices = pciRequestsOf(request, settings);
    return {
      reads: 'host',
      check: (host) => {
        const fit = numaDetails(host, wanted, devices);
        return 'misfit' in fit ? { pass: false, ...fit.misfit } : pass;
      },
    };
  },
};
