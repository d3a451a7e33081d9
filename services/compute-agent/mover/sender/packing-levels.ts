/**
 * The ways to send a payload, from the one that asks least of the processor to the one that asks least of the link.
 * `null`: as it is. Else zstd's level; below zero it is its fast mode. Levels above 6 gain little on extents of one MiB.
 */
export const PACKING_LEVELS = [null, -5, 1, 3, 6] as const;
/** An index into them. */
export type PackingStep = number;

export const PLAIN: PackingStep = 0;
export const LIGHTEST: PackingStep = 1;
export const HEAVIEST: PackingStep = PACKING_LEVELS.length - 1;
