import { allocateDevices } from '../pci/allocate.ts';
import { pciRequestsOf } from '../pci/request.ts';
import { pass, reject, type Filter } from './filter.ts';

/** The host has as many free PCI devices of each alias as the flavor asks for. */
export const PciPassthroughFilter: Filter = {
  name: 'PciPassthroughFilter',
  prepare: ({ request, settings }) => {
    const wanted = pciRequestsOf(request, settings);
    if (wanted.length === 0) return null;
    return {
      reads: 'host',
      check: (host) => {
        const allocation = allocateDevices(host, wanted, null);
        if ('addresses' in allocation) return pass;
        const { name, count, aliases } = allocation.missing;
        if (aliases.length === 0) return reject('pci_alias_unknown', `[pci] alias names no ${name}`);
        return reject('pci_devices_short', `short of {short} PCI devices ${name}`, {
          asked: count,
          available: allocation.available,
          unit: `PCI devices ${name}`,
        });
      },
    };
  },
};
