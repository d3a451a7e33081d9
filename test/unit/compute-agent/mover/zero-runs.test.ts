import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ZeroRuns, type ZeroRun } from '../../../../services/compute-agent/mover/receiver/zero-runs.ts';

const EXTENT = 1000;
const extent = (index: number): ZeroRun => ({ offset: index * EXTENT, length: EXTENT });
const within = (index: number, from: number, length: number): ZeroRun => ({
  offset: index * EXTENT + from,
  length,
});
const inOrder = (runs: readonly ZeroRun[]): readonly ZeroRun[] =>
  runs.toSorted((a, b) => a.offset - b.offset);

describe('ZeroRuns', () => {
  test('neighbours are one run, within an extent’s bounds and beyond', () => {
    const zeros = new ZeroRuns(10);
    zeros.add(0, [within(0, 100, 200), within(0, 700, 300)]);
    zeros.addWhole(1);
    zeros.addWhole(2);
    zeros.add(3, [within(3, 0, 50)]);
    zeros.addWhole(9);
    expect(inOrder(zeros.take(10, extent))).toEqual([
      { offset: 100, length: 200 },
      { offset: 700, length: 2350 },
      { offset: 9000, length: 1000 },
    ]);
    expect(zeros.take(10, extent)).toEqual([]);
  });

  test('what is written over later is none', () => {
    const zeros = new ZeroRuns(4);
    zeros.addWhole(1);
    zeros.add(2, [within(2, 0, 10)]);
    zeros.add(1, [within(1, 0, 7)]);
    zeros.forget(2);
    expect(zeros.take(10, extent)).toEqual([{ offset: 1000, length: 7 }]);
  });

  test('of too many the longest are told', () => {
    const zeros = new ZeroRuns(1000);
    for (let index = 0; index < 1000; index += 2) zeros.add(index, [within(index, 1, 1 + (index % 997))]);
    const lengths = zeros.take(3, extent).map(({ length }) => length);
    expect(lengths).toEqual([997, 995, 993]);
  });

  test('knows of extents that a disk has grown by', () => {
    const zeros = new ZeroRuns(1);
    zeros.addWhole(0);
    zeros.grow(3);
    zeros.addWhole(1);
    zeros.addWhole(2);
    expect(zeros.take(10, extent)).toEqual([{ offset: 0, length: 3 * EXTENT }]);
  });

  test('of as many short runs as a sender can make some thousand are kept, the longest among them', () => {
    const zeros = new ZeroRuns(100_000);
    zeros.add(50_000, [within(50_000, 0, 999)]);
    for (let index = 0; index < 2000; index += 1) {
      const runs = Array.from({ length: 128 }, (_, at) => within(index, at * 7, 4));
      zeros.add(index, runs);
    }
    const told = zeros.take(1_000_000, extent);
    expect(told.length).toBeLessThanOrEqual(4096);
    expect(told[0]).toEqual(within(50_000, 0, 999));
  });

  test('tells of no byte that was not zeros, and of all while there is room', () => {
    const change = fc.oneof(
      fc.record({ is: fc.constant('whole' as const), index: fc.nat(5) }),
      fc.record({ is: fc.constant('forget' as const), index: fc.nat(5) }),
      fc.record({ is: fc.constant('short' as const), index: fc.nat(5), from: fc.nat(9), length: fc.nat(8) }),
    );
    fc.assert(
      fc.property(fc.array(change), (changes) => {
        const zeros = new ZeroRuns(6);
        const bytes = Buffer.alloc(60);
        const small = (index: number): ZeroRun => ({ offset: index * 10, length: 10 });
        for (const each of changes) {
          const { index } = each;
          bytes.fill(0, index * 10, index * 10 + 10);
          if (each.is === 'forget') zeros.forget(index);
          if (each.is === 'whole') {
            zeros.addWhole(index);
            bytes.fill(1, index * 10, index * 10 + 10);
          }
          if (each.is !== 'short') continue;
          const length = Math.min(each.length + 1, 10 - each.from);
          zeros.add(index, [{ offset: index * 10 + each.from, length }]);
          bytes.fill(1, index * 10 + each.from, index * 10 + each.from + length);
        }
        const told = Buffer.alloc(60);
        for (const { offset, length } of zeros.take(60, small)) told.fill(1, offset, offset + length);
        expect(told).toEqual(bytes);
      }),
    );
  });
});
