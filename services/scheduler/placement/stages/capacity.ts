import type { ResourceClass } from '../../../../shared/domain/resources.ts';
import type { ResourceColumns } from '../columns.ts';
import type { ColumnReason, Filter } from '../filters/filter.ts';

interface Demand {
  readonly name: ResourceClass;
  readonly asked: number;
  readonly columns: ResourceColumns | undefined;
}

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
        const demands: Demand[] = wanted.map(([name, amount]) => {
          const { code, unit, noun } = wordsOf(name);
          reasons.push(
            { code: `${code}_short`, message: `short of {short}${unit}`, asked: amount, unit: noun },
            {
              code: `${code}_too_large`,
              message: `gives one server at most {available}${unit}, asked for {asked}`,
              asked: amount,
              unit: noun,
            },
          );
          return { name, asked: amount, columns: columns.resource(name) };
        });
        return {
          reasons,
          // Two reasons per demand, so the number of a reason is 2 × demand, plus 1 for "too large".
          reason: (row) => {
            for (let index = 0; index < demands.length; index += 1) {
              const demand = demands[index];
              if (demand === undefined) break;
              if (freeOf(demand, row) < demand.asked) return 2 * index;
              if ((demand.columns?.max_unit[row] ?? 0) < demand.asked) return 2 * index + 1;
            }
            return -1;
          },
          available: (row, reason) => {
            const demand = demands[reason >> 1];
            if (demand === undefined) return undefined;
            return reason % 2 === 0 ? freeOf(demand, row) : (demand.columns?.max_unit[row] ?? 0);
          },
        };
      },
    };
  },
};

function freeOf({ columns }: Demand, row: number): number {
  if (columns === undefined) return 0;
  const usable =
    ((columns.total[row] ?? 0) - (columns.reserved[row] ?? 0)) * (columns.allocation_ratio[row] ?? 1);
  return usable - (columns.used[row] ?? 0);
}
