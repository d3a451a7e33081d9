/**
 * The steps from the one that asks least of the processor to the one that asks most, as levels of zstd; below zero is its
 * fast mode. What a MiB costs both ends and what it gets packed to, measured: of text 2.7 ms and 0.44, 4.0 ms and 0.33,
 * 5.2 ms and 0.23; of programs 1.5 ms and 0.79, 3.2 ms and 0.53, 4.9 ms and 0.42. Levels above 6 gain little on extents of
 * one MiB. Packing only a part of all payloads, which was the lightest step before, shortens less for the same time.
 */
const LEVELS: readonly (number | null)[] = [null, -25, -3, 1, 3, 6];
/** An index into them. */
export type PackingStep = number;

/** Nothing is packed. */
export const PLAIN: PackingStep = 0;
export const LIGHTEST: PackingStep = 1;
export const HEAVIEST: PackingStep = LEVELS.length - 1;
/** What a payload is tried with where nothing is packed: the lightest step shortens some contents hardly at all. */
export const TRIED: PackingStep = 2;

/** zstd's level; null where nothing is packed. @throws RangeError for a step that there is not */
export function levelAt(step: PackingStep): number | null {
  const level = LEVELS[step];
  if (level === undefined) throw new RangeError(`there is no step ${step}`);
  return level;
}
