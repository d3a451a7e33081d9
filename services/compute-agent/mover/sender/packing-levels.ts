/** How a step of the ladder sends payloads. */
export interface Packing {
  /** zstd's; below zero it is its fast mode. `null`: nothing is packed. */
  readonly level: number | null;
  /** So many of three payloads are packed; the others leave as they are. */
  readonly of_three: number;
}

/**
 * The steps from the one that asks least of the processor to the one that asks least of the link. Where both are narrow a
 * mixture is fastest: the link takes as they are what the processor has no time for. Levels above 6 gain little on
 * extents of one MiB.
 */
export const PACKINGS: readonly Packing[] = [
  { level: null, of_three: 0 },
  { level: -5, of_three: 2 },
  { level: -5, of_three: 3 },
  { level: 1, of_three: 3 },
  { level: 3, of_three: 3 },
  { level: 6, of_three: 3 },
];
/** An index into them. */
export type PackingStep = number;

export const PLAIN: PackingStep = 0;
export const LIGHTEST: PackingStep = 1;
export const HEAVIEST: PackingStep = PACKINGS.length - 1;
/** What a payload is tried with where nothing is packed. */
export const LIGHTEST_LEVEL = -5;

/** @throws RangeError for a step that there is not */
export function packingAt(step: PackingStep): Packing {
  const packing = PACKINGS[step];
  if (packing === undefined) throw new RangeError(`there is no step ${step}`);
  return packing;
}
