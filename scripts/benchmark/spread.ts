export interface Spread {
  readonly median: number;
  readonly max: number;
}

/** Median (the upper one of an even number) and largest, to a tenth. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((left, right) => left - right);
  const tenth = (value: number | undefined) => Math.round((value ?? 0) * 10) / 10;
  return { median: tenth(sorted[Math.floor(sorted.length / 2)]), max: tenth(sorted.at(-1)) };
}
