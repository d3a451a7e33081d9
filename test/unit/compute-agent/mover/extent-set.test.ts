import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ExtentSet } from '../../../../services/compute-agent/mover/disks/extent-set.ts';

/** Two pieces and a part of a third. */
const COUNT = 2 * 16_384 + 1000;

const run = fc
  .tuple(
    fc.constantFrom('add' as const, 'delete' as const, 'tell' as const),
    fc.oneof(fc.nat(COUNT - 1), fc.constantFrom(0, 16_384, 2 * 16_384)),
    fc.oneof(fc.nat(50), fc.constantFrom(16_384, COUNT)),
  )
  .map(([what, first, count]) => ({ what, first, end: Math.min(first + count, COUNT) }));

test('a set of extents is a set, and tells what is new in it once', () => {
  fc.assert(
    fc.property(fc.boolean(), fc.array(run, { maxLength: 12 }), (filled, steps) => {
      const set = new ExtentSet(COUNT, filled);
      const told = new ExtentSet(COUNT, filled);
      const plain = new Uint8Array(COUNT).fill(filled ? 1 : 0);
      const plain_told = Uint8Array.from(plain);
      for (const { what, first, end } of steps) {
        if (what === 'tell') {
          const news = set
            .takeNew(told)
            .flatMap(([start, count]) => Array.from({ length: count }, (_, at) => start + at));
          expect(news).toEqual(indices.filter((index) => plain[index] === 1 && plain_told[index] === 0));
          plain_told.set(plain);
        } else {
          for (let index = first; index < end; index += 1) set[what](index);
          plain.fill(what === 'add' ? 1 : 0, first, end);
        }
      }
      const grown = set.grown(COUNT + 20_000);
      set.delete(0);
      expect(indices.every((index) => grown.has(index) === (plain[index] === 1))).toBe(true);
      expect([0, 7, 19_999].some((index) => grown.has(COUNT + index))).toBe(false);
    }),
    { numRuns: 60 },
  );
});

const indices = Array.from({ length: COUNT }, (_, index) => index);
