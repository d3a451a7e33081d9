import { describe, expect, it } from 'vitest';
import { parsePciAliases } from '../../../../../services/scheduler/placement/pci/aliases.ts';

describe('[pci] alias', () => {
  it('reads objects and lists of objects', () => {
    expect(
      parsePciAliases([
        '{"name": "gpu", "vendor_id": "10DE", "product_id": "1db6", "device_type": "type-PCI"}',
        '[{"name": "nic", "numa_policy": "required"}, {"name": "nic"}]',
      ]),
    ).toEqual([
      { name: 'gpu', vendor_id: '10de', product_id: '1db6', device_type: 'type-PCI' },
      { name: 'nic', numa_policy: 'required' },
      { name: 'nic' },
    ]);
  });

  it.each([
    ['gpu', 'it is not JSON'],
    ['7', 'it is not an object'],
    ['{"vendor_id": "10de"}', 'it has no name'],
    ['{"name": "gpu", "vendor_id": 7}', 'vendor_id is not a text'],
    ['{"name": "gpu", "device_type": "card"}', 'device_type is not one of type-PCI, type-PF, type-VF'],
  ])('refuses %s', (text, problem) => {
    expect(() => parsePciAliases([text])).toThrow(problem);
  });
});
