import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { travellingRanges } from '../../../../services/compute-agent/mover/sender/travelling-ranges.ts';
import type { ByteRange } from '../../../../services/compute-agent/mover/mover.ts';

const MIB = 2 ** 20;
const range = (offset_bytes: number, length_bytes: number): ByteRange => ({ offset_bytes, length_bytes });

/** 4 KiB in every so-many-th mebibyte. */
const scattered = (count: number, every: number): readonly ByteRange[] =>
  Array.from({ length: count }, (_, place) => range(place * every * MIB + 12_288, 4096));

describe('what has changed, as a sender is told', () => {
  test.each<[string, readonly ByteRange[], readonly ByteRange[]]>([
    ['nothing', [], []],
    ['an empty range', [range(5, 0)], []],
    ['one byte', [range(MIB, 1)], [range(MIB, MIB)]],
    ['the bytes around a boundary', [range(MIB - 1, 2)], [range(0, 2 * MIB)]],
    ['two in one extent', [range(9000, 1), range(5, 7)], [range(0, MIB)]],
    ['neighbours', [range(2 * MIB, 1), range(MIB, 1)], [range(MIB, 2 * MIB)]],
    ['one within another', [range(0, 9 * MIB), range(MIB, 1)], [range(0, 9 * MIB)]],
    ['two apart', [range(0, 1), range(2 * MIB, 1)], [range(0, MIB), range(2 * MIB, MIB)]],
  ])('%s', (_, ranges, told) => {
    expect(travellingRanges({ disk: ranges })).toEqual({ disk: told });
  });

  test('a disk of which nobody knows stays one, and costs the others nothing', () => {
    expect(travellingRanges({ a: null, b: [range(0, 1)] })).toEqual({ a: null, b: [range(0, MIB)] });
  });

  test('changes in too many places are compared, of the disk that has the most of them', () => {
    const told = travellingRanges({ many: scattered(100_000, 2), few: scattered(8000, 2), none: [] });
    expect(told['many']).toBeNull();
    expect(told['few']).toHaveLength(8000);
    expect(told['none']).toEqual([]);
  });

  test('nothing is left out, and all disks together fit a line', () => {
    const ranges = fc.array(fc.record({ offset_bytes: fc.nat(2 ** 40), length_bytes: fc.nat(3 * MIB) }));
    fc.assert(
      fc.property(fc.dictionary(fc.string(), ranges), (changed) => {
        const told = travellingRanges(changed);
        for (const [name, written] of Object.entries(changed)) {
          for (const { offset_bytes, length_bytes } of written) {
            const holds = (run: ByteRange): boolean =>
              run.offset_bytes <= offset_bytes &&
              run.offset_bytes + run.length_bytes >= offset_bytes + length_bytes;
            expect(length_bytes === 0 || told[name]?.some(holds)).toBe(true);
          }
        }
      }),
    );
    const disks = Array.from({ length: 64 }, (_, place) => [`disk${place}`, scattered(place * 100, 2)]);
    const line = JSON.stringify(travellingRanges(Object.fromEntries(disks) as Record<string, ByteRange[]>));
    expect(line.length).toBeLessThan(MIB * 0.6);
  });
});
