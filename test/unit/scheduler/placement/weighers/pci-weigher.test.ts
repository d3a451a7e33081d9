import { describe } from 'vitest';
import { PCIWeigher } from '../../../../../services/scheduler/placement/weighers/pci-weigher.ts';
import { host } from '../builders.ts';
import { checkWeigher } from '../check-weigher.ts';

describe('PCIWeigher', () => {
  checkWeigher(PCIWeigher, {
    'hosts with devices are kept': {
      hosts: [host('a').pci('1').pci('2'), host('b').pci('1'), host('c')],
      raw: [98, 99, 100],
      weights: [0, 0.5, 1],
    },
    'claimed devices are not free': {
      hosts: [
        host('a')
          .pci('1')
          .with({ claim_details: [{ pci_addresses: ['1'] }] }),
        host('b').pci('1'),
      ],
      raw: [100, 99],
      weights: [1, 0],
    },
    'more than 99 count as 99': {
      hosts: [
        Array.from({ length: 120 }, (_, index) => String(index)).reduce(
          (builder, address) => builder.pci(address),
          host('a'),
        ),
        host('b'),
      ],
      raw: [1, 100],
      weights: [0, 1],
    },
  });
});
