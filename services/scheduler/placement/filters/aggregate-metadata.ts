import type { HostClass } from '../host-class.ts';

/** The values of one key in the aggregates of a host, as they are written. */
export function aggregateValues(host: Pick<HostClass, 'aggregates'>, key: string): readonly string[] {
  const values = new Set<string>();
  for (const { metadata } of host.aggregates) {
    const value = metadata[key];
    if (value !== undefined) values.add(value);
  }
  return [...values];
}

/** The same, where each value is a list with commas. */
export function aggregateListValues(host: Pick<HostClass, 'aggregates'>, key: string): readonly string[] {
  return [
    ...new Set(aggregateValues(host, key).flatMap((value) => value.split(',').map((part) => part.trim()))),
  ];
}

/**
 * The least of the numbers that a host's aggregates name; the fallback when there is none, or when one of them is
 * not a number.
 */
export function aggregateMinimum(host: Pick<HostClass, 'aggregates'>, key: string, fallback: number): number {
  const values = aggregateValues(host, key).map((value) =>
    value.trim() === '' ? Number.NaN : Number(value),
  );
  return values.length === 0 || values.some(Number.isNaN) ? fallback : Math.min(...values);
}
