import type { Columns } from '../columns.ts';
import type { Weigher, WeigherContext } from './weigher.ts';

export interface Multipliers {
  readonly common: number;
  /** Multiplier per class of hosts; null when no aggregate overrides it. */
  readonly by_class: readonly number[] | null;
}

/**
 * The multiplier of each host: the least of the numbers that the host's aggregates name, else the configured one. When
 * one of an aggregate's values is not a number, the host gets the configured one and the decision a warning, as in Nova.
 */
export function multipliersOf(
  weigher: Weigher,
  rows: Int32Array,
  { classes, host_class }: Columns,
  { settings, warn }: WeigherContext,
): Multipliers {
  const sign = weigher.negated === true ? -1 : 1;
  const common = sign * weigher.multiplier(settings);
  const key = weigher.aggregate_key;
  if (key === null || !classes.hasMetadata(key) || rows.length < 2) return { common, by_class: null };
  // Only the hosts that are weighed count: another host's aggregate is no matter of this decision.
  const weighed = new Set<number>();
  for (const row of rows) weighed.add(host_class[row] ?? 0);
  let by_class: number[] | null = null;
  for (const [number, { aggregates }] of classes.all.entries()) {
    if (!weighed.has(number)) continue;
    const values = aggregates.flatMap(({ metadata }) => metadata[key] ?? []);
    if (values.length === 0) continue;
    by_class ??= classes.all.map(() => common);
    const parsed = values.map((value) => (value.trim() === '' ? Number.NaN : Number(value)));
    if (parsed.some(Number.isNaN)) {
      const names = aggregates.filter(({ metadata }) => metadata[key] !== undefined).map(({ name }) => name);
      warn(
        `${weigher.name}: "${key}" of aggregate ${names.join(', ')} is not a number (${values.join(', ')}); used ${common * sign} as configured`,
      );
    } else {
      by_class[number] = sign * Math.min(...parsed);
    }
  }
  return { common, by_class };
}
