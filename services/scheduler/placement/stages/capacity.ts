import type { ResourceClass } from '../../../../shared/domain/resources.ts';
import type { ColumnReason, Filter, Screen } from '../filters/filter.ts';

/** How a class of resource is spoken of: the stem of its codes, and its unit, short and in a sentence. */
export function wordsOf(name: ResourceClass): {
  readonly code: string;
  readonly unit: string;
  readonly noun: string;
} {
  switch (name) {
    case 'VCPU':
      return { code: 'vcpu', unit: ' VCPU', noun: 'VCPU' };
    case 'MEMORY_MB':
      return { code: 'memory', unit: ' MB', noun: 'MB of RAM' };
    case 'DISK_GB':
      return { code: 'disk', unit: ' GB', noun: 'GB of disk' };
    case 'PCI_DEVICE':
      return { code: 'pci_device', unit: ' PCI devices', noun: 'PCI devices' };
    default:
      return { code: name.toLowerCase(), unit: ` ${name}`, noun: name };
  }
}

/**
 * What Nova's placement answers with its allocation candidates: for each class of resource
 * `used + asked ≤ (total − reserved) × allocation_ratio`, and `asked ≤ max_unit` (facts document, section 6.1).
 * The claim re-checks the same under lock.
 */
export const capacity: Filter = {
  name: 'Capacity',
  prepare: ({ request }) => {
    const asked = Object.entries(request.resources) as Array<[ResourceClass, number]>;
    const wanted = asked.filter(([, amount]) => amount > 0);
    if (wanted.length === 0) return null;
    return {
      reads: 'columns',
      bind: (columns) => {
        const reasons: ColumnReason[] = [];
        const screens = wanted.map(([name, amount]): Screen => {
          const { code, unit, noun } = wordsOf(name);
          const short = reasons.push(
            { code: `${code}_short`, message: `short of {short}${unit}`, asked: amount, unit: noun },
            {
              code: `${code}_too_large`,
              message: `gives one server at most {available}${unit}, asked for {asked}`,
              asked: amount,
              unit: noun,
            },
          );
          const resource = columns.resource(name);
          const room = resource?.room ?? new Float64Array(columns.length);
          const free = resource?.free ?? room;
          return {
            column: room,
            at_least: amount,
            against: {
              column: free,
              below: amount,
              first: { reason: short - 2, available: free },
              otherwise: { reason: short - 1, available: room },
            },
          };
        });
        return { reasons, screens };
      },
    };
  },
};
