import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  fileBytesMax,
  reservedBytesOf,
  wholeBlocks,
} from '../../../services/compute-agent/folders/space-need.ts';
import type { DiskDescription } from '../../../shared/messaging/commands.ts';

const MEBIBYTE = 1024 ** 2;
const GIBIBYTE = 1024 ** 3;

const disk = (change: Partial<DiskDescription>): DiskDescription => ({
  name: 'disk',
  format: 'raw',
  virtual_size_bytes: 10 * GIBIBYTE,
  file_size_bytes: 10 * GIBIBYTE,
  allocated_bytes: 0,
  backing: null,
  ...change,
});

describe('what is reserved', () => {
  test.each<[string, Partial<DiskDescription>, number, number]>([
    ['a sparse disk, a tenth of the rest', { allocated_bytes: GIBIBYTE }, 10, GIBIBYTE + 0.9 * GIBIBYTE],
    ['the minimum', { allocated_bytes: GIBIBYTE }, 0, GIBIBYTE + 64 * MEBIBYTE],
    ['the whole disk', { allocated_bytes: GIBIBYTE }, 100, 10 * GIBIBYTE],
    ['a full disk, nothing more', { allocated_bytes: 10 * GIBIBYTE }, 10, 10 * GIBIBYTE],
    [
      'a small disk, no more than its size',
      { file_size_bytes: MEBIBYTE, virtual_size_bytes: MEBIBYTE },
      10,
      MEBIBYTE,
    ],
    ['a source that says more than can be', { file_size_bytes: 4096, allocated_bytes: GIBIBYTE }, 10, 4096],
  ])('%s', (_, change, percent, expected) => {
    expect(reservedBytesOf(disk(change), percent)).toBe(wholeBlocks(expected));
  });

  test('a qcow2 file may outgrow its guest view by its tables', () => {
    const grown = disk({ format: 'qcow2', file_size_bytes: MEBIBYTE, virtual_size_bytes: GIBIBYTE });
    expect(fileBytesMax(grown)).toBeGreaterThan(GIBIBYTE);
    expect(reservedBytesOf(grown, 100)).toBe(wholeBlocks(fileBytesMax(grown)));
  });

  test('never less than is in use, never more than can be written', () => {
    const bytes = fc.nat({ max: 100 * GIBIBYTE });
    fc.assert(
      fc.property(
        bytes,
        bytes,
        fc.nat({ max: 100 }),
        fc.constantFrom('raw', 'qcow2'),
        (size, used, percent, format) => {
          const any = disk({
            format,
            virtual_size_bytes: size,
            file_size_bytes: size,
            allocated_bytes: used,
          });
          const reserved = reservedBytesOf(any, percent);
          expect(reserved).toBeGreaterThanOrEqual(Math.min(used, fileBytesMax(any)));
          expect(reserved).toBeLessThanOrEqual(wholeBlocks(fileBytesMax(any)));
          expect(reserved).toBeLessThanOrEqual(reservedBytesOf(any, 100));
        },
      ),
    );
  });
});
