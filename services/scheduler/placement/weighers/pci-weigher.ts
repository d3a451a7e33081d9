import type { Weigher } from './weigher.ts';

/**
 * Few free PCI devices are better: servers that need none keep away from hosts that have them, and those that need some
 * do not break up the largest stock.
 */
export const PCIWeigher: Weigher = {
  name: 'PCIWeigher',
  multiplier: ({ filter_scheduler }) => filter_scheduler.pci_weight_multiplier,
  aggregate_key: 'pci_weight_multiplier',
  prepare: () => ({ reads: 'columns', values: (columns) => columns.number('pci_scarcity') }),
};
