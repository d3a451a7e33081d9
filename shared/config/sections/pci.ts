import { multi } from '../option.ts';
import { defineSection } from '../section.ts';

export const pciSection = defineSection('pci', 'PCI devices that flavors may ask for.', {
  alias: multi({
    default: [],
    help: 'A name for devices, as JSON: {"name": "gpu", "vendor_id": "10de", "product_id": "1db6", "device_type": "type-PCI", "numa_policy": "preferred"}. Several with one name: any of them.',
  }),
});
