import type { ResourceClass } from '../../../../shared/domain/resources.ts';
import type { Columns } from '../columns.ts';
import { wordsOf } from '../stages/capacity.ts';
import { aggregateMinimum } from './aggregate-metadata.ts';
import type { ColumnRule } from './filter.ts';

/**
 * The rule of Nova's former Core, Ram and Disk filters: `asked ≤ total × ratio − used`, where reserved amounts count as
 * used; and a server may not overcommit against itself, so `asked ≤ total`.
 *
 * @param ratio_key aggregate metadata key whose least value replaces the host's ratio; null: the host's own
 */
export function overcommitRule(
  name: ResourceClass,
  asked: number,
  options: { readonly ratio_key: string | null; readonly against_itself: boolean },
): ColumnRule {
  const { code, unit, noun } = wordsOf(name);
  return {
    reads: 'columns',
    bind: (columns: Columns) => {
      const numbers = columns.resource(name);
      const { host_class } = columns;
      const key = options.ratio_key;
      const ratio_of_class =
        key === null || !columns.classes.hasMetadata(key)
          ? null
          : columns.classes.all.map((host) => aggregateMinimum(host, key, Number.NaN));
      const freeOf = (row: number): number => {
        if (numbers === undefined) return 0;
        const own = numbers.allocation_ratio[row] ?? 1;
        const named = ratio_of_class?.[host_class[row] ?? 0] ?? Number.NaN;
        const ratio = Number.isNaN(named) ? own : named;
        return (numbers.total[row] ?? 0) * ratio - (numbers.reserved[row] ?? 0) - (numbers.used[row] ?? 0);
      };
      const totalOf = (row: number): number => numbers?.total[row] ?? 0;
      return {
        reasons: [
          { code: `${code}_short`, message: `short of {short}${unit}`, asked, unit: noun },
          {
            code: `${code}_too_large`,
            message: `has {available}${unit} in all, asked for {asked}`,
            asked,
            unit: noun,
          },
        ],
        reason: (row) => {
          if (options.against_itself && totalOf(row) < asked) return 1;
          return freeOf(row) < asked ? 0 : -1;
        },
        available: (row, reason) => (reason === 0 ? freeOf(row) : totalOf(row)),
      };
    },
  };
}
