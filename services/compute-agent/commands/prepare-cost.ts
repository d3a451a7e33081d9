import type { DiskDescription } from '../../../shared/messaging/commands.ts';
import type { Conversion } from '../folders/mark.ts';
import { flatBytes } from './arriving-disks.ts';

/** Read by `qemu-img convert`, and by `qemu-img compare`. */
const PASSES_OF_THE_ARRIVED = 2;
/** Written by the one and read by the other: a volume with all its zeros. */
const PASSES_OF_THE_CONVERTED = 2;
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
  const converted = disks.flatMap((disk) => {
    const conversion = conversions.find(({ name }) => name === disk.name);
    if (conversion === undefined) return [];
    const bytes = flatBytes(disk);
    return [
      PASSES_OF_THE_ARRIVED * bytes + PASSES_OF_THE_CONVERTED * (conversion.volume?.size_bytes ?? bytes),
    ];
  });
  return sum(converted) + PASSES_OF_A_TAKING * sum(missing.map(({ file_size_bytes }) => file_size_bytes));
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);
