import { SMALLEST_EXTENT_BYTES } from '../disks/extents.ts';
import type { ByteRange, ChangedRanges } from '../mover.ts';

/** Of all disks together: as one line of text they stay below what a sender takes for one. */
const RANGES_MAX = 8192;

/**
 * What has changed, in a form that an agent can tell its sender: whole extents, since nothing less is read, neighbours
 * as one. A disk whose changes are in too many places is read and compared as a whole (null), those with the most first.
 */
export function travellingRanges(changed: ChangedRanges): ChangedRanges {
  const disks = Object.entries(changed).map(
    ([name, ranges]) => [name, ranges === null ? null : merged(ranges)] as const,
  );
  const counted = disks.toSorted(([, a], [, b]) => (a?.length ?? 0) - (b?.length ?? 0));
  const told = new Set<string>();
  let count = 0;
  for (const [name, ranges] of counted) {
    count += ranges?.length ?? 0;
    if (count <= RANGES_MAX) told.add(name);
  }
  return Object.fromEntries(disks.map(([name, ranges]) => [name, told.has(name) ? ranges : null]));
}

/** The smallest extents: those of a large disk are a multiple of them. */
function merged(ranges: readonly ByteRange[]): readonly ByteRange[] {
  const runs: { offset_bytes: number; length_bytes: number }[] = [];
  const written = ranges.filter(({ length_bytes }) => length_bytes > 0);
  for (const range of written.toSorted((a, b) => a.offset_bytes - b.offset_bytes)) {
    const offset_bytes = Math.floor(range.offset_bytes / SMALLEST_EXTENT_BYTES) * SMALLEST_EXTENT_BYTES;
    const extents = Math.ceil((range.offset_bytes + range.length_bytes) / SMALLEST_EXTENT_BYTES);
    const end_bytes = extents * SMALLEST_EXTENT_BYTES;
    const last = runs.at(-1);
    if (last !== undefined && offset_bytes <= last.offset_bytes + last.length_bytes)
      last.length_bytes = Math.max(last.length_bytes, end_bytes - last.offset_bytes);
    else runs.push({ offset_bytes, length_bytes: end_bytes - offset_bytes });
  }
  return runs;
}
