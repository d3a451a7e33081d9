import { mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { KeptLeaves, LeafReader } from '../../../services/compute-agent/images/content-leaves.ts';
import { leafOf, ZERO_LEAF } from '../../../services/compute-agent/mover/disks/extents.ts';

const MEBIBYTE = 1024 ** 2;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'drover-leaves-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function leavesOf(content: Buffer, lengths: readonly number[] = [content.length]) {
  const reader = new LeafReader();
  let at = 0;
  for (const length of lengths) {
    reader.update(content.subarray(at, at + length));
    at += length;
  }
  reader.update(content.subarray(at));
  return reader.end();
}

test('leaves of a long file are all there', () => {
  const reader = new LeafReader();
  const extent = Buffer.alloc(MEBIBYTE);
  const expected = Array.from({ length: 200 }, (_, index) => {
    extent.writeUInt32BE(index % 7, 0);
    reader.update(extent);
    return index % 7 === 0 ? ZERO_LEAF : leafOf(extent);
  });
  expect(reader.end()).toEqual({ size_bytes: 200 * MEBIBYTE, leaves: Buffer.concat(expected) });
});

test('leaves are those of each MiB, whatever pieces the content comes in', () => {
  const content = Buffer.concat([Buffer.alloc(MEBIBYTE, 'a'), Buffer.alloc(MEBIBYTE), Buffer.from('rest')]);
  const expected = {
    size_bytes: content.length,
    leaves: Buffer.concat([leafOf(Buffer.alloc(MEBIBYTE, 'a')), ZERO_LEAF, leafOf(Buffer.from('rest'))]),
  };
  expect(leavesOf(content)).toEqual(expected);
  const lengths = fc.array(fc.integer({ min: 0, max: MEBIBYTE + 1 }), { maxLength: 6 });
  fc.assert(
    fc.property(lengths, (pieces) => {
      expect(leavesOf(content, pieces)).toEqual(expected);
    }),
    { numRuns: 30 },
  );
});

describe('where two contents differ', () => {
  const before = Buffer.alloc(3 * MEBIBYTE + 5, 'x');
  const changed = (change: (content: Buffer) => Buffer) => leavesOf(change(Buffer.from(before)));
  test.each<[string, (content: Buffer) => Buffer, string]>([
    [
      'one extent',
      (content) => content.fill('y', MEBIBYTE + 7, MEBIBYTE + 8),
      'the 1048576 bytes at offset 1048576 differ',
    ],
    ['the end', (content) => content.fill('y', 3 * MEBIBYTE), 'the 5 bytes at offset 3145728 differ'],
    [
      'several',
      (content) => content.fill('y', 1, 2 * MEBIBYTE),
      'the 1048576 bytes at offset 0 differ, and 1 more extents do',
    ],
    [
      'longer',
      (content) => Buffer.concat([content, before]),
      'the 1048576 bytes at offset 3145728 differ; it was 3145733 bytes long and is 6291466',
    ],
    [
      'cut between extents',
      (content) => content.subarray(0, MEBIBYTE),
      'it was 3145733 bytes long and is 1048576',
    ],
    ['nothing of its own', (content) => content, 'only the name of what it stands on differs'],
  ])('%s', async (_name, change, expected) => {
    const kept = new KeptLeaves(folder);
    await kept.keep('before', leavesOf(before));
    await kept.keep('after', changed(change));
    expect(await new KeptLeaves(folder).describeDifference('before', 'after')).toBe(expected);
  });

  test('is not known of a content that nobody has read, or whose leaves are damaged', async () => {
    const kept = new KeptLeaves(folder);
    await kept.keep('before', leavesOf(before));
    await kept.keep('after', leavesOf(Buffer.from('after')));
    const unknown = 'where is not known, because only the digest of the whole file is';
    expect(await kept.describeDifference('before', 'never')).toBe(unknown);
    truncateSync(join(folder, 'after'), 20);
    expect(await kept.describeDifference('before', 'after')).toBe(unknown);
    writeFileSync(join(folder, 'after'), 'leaves of-another-kind 5\n');
    expect(await kept.describeDifference('before', 'after')).toBe(unknown);
  });
});

test('the oldest are forgotten, and what cannot be kept fails nobody', async () => {
  const kept = new KeptLeaves(folder);
  for (let count = 0; count < 140; count += 1)
    await kept.keep(`content-${count}`, leavesOf(Buffer.from('x')));
  expect(readdirSync(folder)).toHaveLength(128);
  writeFileSync(join(folder, 'file'), '');
  await new KeptLeaves(join(folder, 'file')).keep('content', leavesOf(Buffer.from('x')));
});
