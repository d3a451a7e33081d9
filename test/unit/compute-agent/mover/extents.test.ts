import { blake3 } from '@napi-rs/blake-hash';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ExtentLayout,
  extentBytesOf,
  isZero,
  leafOf,
  segmentsOf,
  SEGMENTS_MAX,
} from '../../../../services/compute-agent/mover/disks/extents.ts';
import { LeafTable } from '../../../../services/compute-agent/mover/disks/leaf-table.ts';

const MEBIBYTE = 1024 * 1024;

describe('extents', () => {
  test.each([
    [0, 0, 0],
    [1, 1, 1],
    [MEBIBYTE, 1, MEBIBYTE],
    [MEBIBYTE + 1, 2, 1],
    [10 * MEBIBYTE, 10, MEBIBYTE],
  ])('a disk of %i bytes has %i extents, the last of %i bytes', (size, count, last) => {
    const layout = new ExtentLayout(size);
    expect(layout.count).toBe(count);
    if (count > 0) expect(layout.length(count - 1)).toBe(last);
  });

  test('extents grow with the disk, so that there are never more than four millions', () => {
    expect(extentBytesOf(2 ** 42)).toBe(MEBIBYTE);
    expect(extentBytesOf(2 ** 42 + 1)).toBe(2 * MEBIBYTE);
    expect(extentBytesOf(2 ** 44)).toBe(4 * MEBIBYTE);
    expect(() => extentBytesOf(2 ** 44 + 1)).toThrow(RangeError);
  });

  test('segments hold all bytes that are not zero, in order, and none that could be left out', () => {
    const block = fc.record({ place: fc.nat(255), at: fc.nat(4095) });
    fc.assert(
      fc.property(
        fc.array(block, { maxLength: 40 }),
        fc.integer({ min: 1, max: MEBIBYTE }),
        (blocks, length) => {
          const content = Buffer.alloc(length);
          for (const { place, at } of blocks) {
            if (place * 4096 + at < length) content[place * 4096 + at] = 1;
          }
          const segments = segmentsOf(content, MEBIBYTE);
          expect(segments.length).toBeLessThanOrEqual(SEGMENTS_MAX);
          const rebuilt = Buffer.alloc(length);
          let end = -1;
          for (const { offset, length: bytes } of segments) {
            expect(offset).toBeGreaterThan(end);
            end = offset + bytes;
            content.copy(rebuilt, offset, offset, end);
            expect(isZero(content.subarray(offset, Math.min(offset + 4096, end)))).toBe(false);
          }
          expect(rebuilt.equals(content)).toBe(true);
        },
      ),
      { numRuns: 30 },
    );
  });
});

describe('a disk’s digest', () => {
  const rootOf = (content: Buffer): string => {
    const table = new LeafTable(new ExtentLayout(content.length));
    for (let index = 0; index < table.layout.count; index += 1) {
      const start = table.layout.offset(index);
      const extent = content.subarray(start, start + table.layout.length(index));
      if (!isZero(extent)) table.set(index, leafOf(extent));
    }
    return table.root();
  };

  test('is BLAKE3 over prefix, sizes and leaves', () => {
    const data = Buffer.alloc(MEBIBYTE, 7);
    const content = Buffer.concat([data, Buffer.alloc(MEBIBYTE), Buffer.from('end')]);
    const sizes = Buffer.alloc(16);
    sizes.writeBigUInt64BE(BigInt(content.length), 0);
    sizes.writeBigUInt64BE(BigInt(MEBIBYTE), 8);
    const leaves = Buffer.concat([blake3(data), Buffer.alloc(32), blake3('end')]);
    const expected = blake3(Buffer.concat([Buffer.from('drover disk digest 3\n'), sizes, leaves]));
    expect(rootOf(content)).toBe(expected.toString('hex'));
  });

  test('BLAKE3 is what its authors published', () => {
    const known = '6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85';
    expect(leafOf(Buffer.from('abc')).toString('hex')).toBe(known);
  });

  test('differs for one flipped bit, another place and another size', () => {
    const content = Buffer.alloc(2 * MEBIBYTE);
    content[5] = 1;
    const flipped = Buffer.from(content);
    flipped[MEBIBYTE + 9] = 4;
    const moved = Buffer.concat([content.subarray(MEBIBYTE), content.subarray(0, MEBIBYTE)]);
    const digests = [content, flipped, moved, content.subarray(0, -1), Buffer.alloc(0)].map(rootOf);
    expect(new Set(digests).size).toBe(digests.length);
  });

  test('two tables say where they first differ', () => {
    const layout = new ExtentLayout(3 * MEBIBYTE);
    const [one, other] = [new LeafTable(layout), new LeafTable(layout)];
    expect(one.firstDifference(other)).toBeNull();
    other.set(2, Buffer.alloc(32, 1));
    expect(one.firstDifference(other)).toBe(2);
  });
});
