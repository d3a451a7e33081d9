import { describe } from 'vitest';
import { PciPassthroughFilter } from '../../../../../services/scheduler/placement/filters/pci-passthrough-filter.ts';
import { host, request, settings } from '../builders.ts';
import { checkFilter } from '../check-filter.ts';

const aliases = settings(
  {},
  {
    pci_aliases: [
      { name: 'gpu', vendor_id: '10de', product_id: '1db6' },
      { name: 'nic', vendor_id: '8086' },
      { name: 'whole', vendor_id: '8086', device_type: 'type-PF' as const },
    ],
  },
);

describe('PciPassthroughFilter', () => {
  checkFilter(PciPassthroughFilter, {
    'a flavor that asks nothing runs anywhere': { hosts: [host('a')], passes: ['a'] },
    'enough devices of the alias': {
      hosts: [host('a').pci('1').pci('2'), host('b').pci('1'), host('c')],
      request: request().spec('pci_passthrough:alias', 'gpu:2'),
      settings: aliases,
      passes: ['a'],
      rejects: { b: 'short of 1 PCI devices gpu', c: 'short of 2' },
    },
    'claimed devices are gone': {
      hosts: [
        host('a')
          .pci('1')
          .with({ claim_details: [{ pci_addresses: ['1'] }] }),
      ],
      request: request().spec('pci_passthrough:alias', 'gpu:1'),
      settings: aliases,
      passes: [],
    },
    'another product is another device': {
      hosts: [host('a').pci('1', { product_id: 'ffff' })],
      request: request().spec('pci_passthrough:alias', 'gpu:1'),
      settings: aliases,
      passes: [],
    },
    'whole physical functions only when asked for': {
      hosts: [
        host('a').pci('1', { vendor_id: '8086', device_type: 'type-PF' }),
        host('b').pci('1', { vendor_id: '8086', device_type: 'type-VF' }),
      ],
      request: request().spec('pci_passthrough:alias', 'nic:1'),
      settings: aliases,
      passes: ['b'],
    },
    'and then only these': {
      hosts: [
        host('a').pci('1', { vendor_id: '8086', device_type: 'type-PF' }),
        host('b').pci('1', { vendor_id: '8086', device_type: 'type-VF' }),
      ],
      request: request().spec('pci_passthrough:alias', 'whole:1'),
      settings: aliases,
      passes: ['a'],
    },
    'two aliases do not share a device': {
      hosts: [host('a').pci('1')],
      request: request().spec('pci_passthrough:alias', 'gpu:1,gpu:1'),
      settings: aliases,
      passes: [],
    },
    'an alias that nobody configured': {
      hosts: [host('a').pci('1')],
      request: request().spec('pci_passthrough:alias', 'fpga:1'),
      settings: aliases,
      passes: [],
      rejects: { a: '[pci] alias names no fpga' },
    },
  });
});
