import { describe, expect, test } from 'vitest';
import { ExtentSet } from '../../../../services/compute-agent/mover/disks/extent-set.ts';
import { ExtentLayout, ZERO_LEAF } from '../../../../services/compute-agent/mover/disks/extents.ts';
import { LeafTable } from '../../../../services/compute-agent/mover/disks/leaf-table.ts';

const MEBIBYTE = 1024 ** 2;
const leaf = (byte: number): Buffer => Buffer.alloc(32, byte);

describe('a disk that has grown between two rounds', () => {
  test.each([
    ['by extents of its own', 2 * MEBIBYTE, 4 * MEBIBYTE, false],
    ['within its last extent', 2 * MEBIBYTE - 5, 2 * MEBIBYTE, true],
    ['over the end of its last extent', 2 * MEBIBYTE - 5, 3 * MEBIBYTE + 1, true],
    ['not at all', 2 * MEBIBYTE - 5, 2 * MEBIBYTE - 5, false],
  ])('%s', (_, before_bytes, after_bytes, last_is_unknown) => {
    const before = new LeafTable(new ExtentLayout(before_bytes));
    before.set(0, leaf(1));
    before.set(1, leaf(2));
    const after = before.grown(new ExtentLayout(after_bytes));
    expect(after.layout.size_bytes).toBe(after_bytes);
    expect(after.get(0)).toEqual(leaf(1));
    expect(after.isUnknown(1)).toBe(last_is_unknown);
    if (!last_is_unknown) expect(after.get(1)).toEqual(leaf(2));
    for (let index = 2; index < after.layout.count; index += 1) expect(after.get(index)).toEqual(ZERO_LEAF);
    // It has taken over what the one before had, and is not changed by what comes late to that one.
    before.set(0, leaf(9));
    expect(before.get(0)).toEqual(ZERO_LEAF);
    expect(after.get(0)).toEqual(leaf(1));
    after.close();
  });

  test('zeros stay zeros, however long they are', () => {
    const after = new LeafTable(new ExtentLayout(100)).grown(new ExtentLayout(200));
    expect(after.isZero(0)).toBe(true);
  });

  test('has its new extents in no set', () => {
    const grown = new ExtentSet(3, true).grown(20);
    expect([0, 2, 8, 19].map((index) => grown.has(index))).toEqual([true, true, false, false]);
  });
});
