import type { ResourceClass } from '../../../../shared/domain/resources.ts';
import type { ColumnReason, Filter } from '../filters/filter.ts';

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
        const amounts: number[] = [];
        const rooms: Float64Array[] = [];
        const frees: Float64Array[] = [];
        for (const [name, amount] of wanted) {
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
          amounts.push(amount);
          const resource = columns.resource(name);
          rooms.push(resource?.room ?? new Float64Array(columns.length));
          frees.push(resource?.free ?? new Float64Array(columns.length));
        }
        const freeOf = (row: number, demand: number): number => frees[demand]?.[row] ?? 0;
        return {
          reasons,
          // Two reasons per demand, so the number of a reason is 2 × demand, plus 1 for "too large".
          screens: rooms.map((room, demand) => {
            const asked = amounts[demand] ?? 0;
            const first = { reason: 2 * demand, available: frees[demand] ?? room };
            const otherwise = { reason: 2 * demand + 1, available: room };
            return { column: room, at_least: asked, against: { first, below: asked, otherwise } };
          }),
          reason: (row) => {
            for (let demand = 0; demand < amounts.length; demand += 1) {
              const asked = amounts[demand] ?? 0;
              if ((rooms[demand]?.[row] ?? 0) >= asked) continue;
              return freeOf(row, demand) < asked ? 2 * demand : 2 * demand + 1;
            }
            return -1;
          },
          available: (row, reason) => {
            const demand = reason >> 1;
            return reason % 2 === 0 ? freeOf(row, demand) : (rooms[demand]?.[row] ?? 0);
          },
        };
      },
    };
  },
};
