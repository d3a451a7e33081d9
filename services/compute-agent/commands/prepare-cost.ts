import type { DiskDescription } from '../../../shared/messaging/commands.ts';
import type { Conversion } from '../folders/mark.ts';
import { flatBytes } from './arriving-disks.ts';

/** Read and written by `qemu-img convert`, then each of the two forms read by `qemu-img compare`. */
const PASSES_OF_A_CONVERSION = 4;
/** Read for its digest before it goes into the cache. */
const PASSES_OF_A_TAKING = 1;

/**
 * Bytes that `prepare` will have to read from this host's disk and write to it, as the disks were surveyed: its guest is off
 * for so long, so whoever foretells how long must know. 0 when there is nothing to prepare.
 * @param missing files that disks stand on, and that come from the source
 */
export function prepareBytes(
  disks: readonly DiskDescription[],
  conversions: readonly Conversion[],
  missing: readonly DiskDescription[],
): number {
  const converted = disks.filter(({ name }) => conversions.some((conversion) => conversion.name === name));
  return (
    PASSES_OF_A_CONVERSION * sum(converted.map(flatBytes)) +
    PASSES_OF_A_TAKING * sum(missing.map(({ file_size_bytes }) => file_size_bytes))
  );
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);
