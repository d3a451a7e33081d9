import { zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Unpackers } from '../../../../services/compute-agent/mover/receiver/unpackers.ts';

const MEBIBYTE = 1024 * 1024;
const lines = (bytes: number, word: string): Buffer => Buffer.alloc(bytes, `a line with ${word} in it\n`);

describe('unpackers', () => {
  test('one after the other, beyond the room that they share', async () => {
    const unpackers = new Unpackers();
    for (let place = 0; place < 12; place += 1) {
      const content = lines(MEBIBYTE - place * 1000, String(place));
      expect((await unpackers.unpack(zstdCompressSync(content), content.length)).equals(content)).toBe(true);
    }
  });

  test('one that is longer than the room', async () => {
    const content = lines(9 * MEBIBYTE + 7, 'nothing');
    const unpacked = await new Unpackers().unpack(zstdCompressSync(content), content.length);
    expect(unpacked.equals(content)).toBe(true);
  });

  test('any contents, at the same time: each comes back as it was', async () => {
    const unpackers = new Unpackers();
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 5000 }), { maxLength: 12 }),
        async (arrays) => {
          const contents = arrays.map((array) => Buffer.from(array));
          const unpacked = await Promise.all(
            contents.map((content) => unpackers.unpack(zstdCompressSync(content), content.length)),
          );
          expect(unpacked).toEqual(contents);
        },
      ),
    );
  });

  const content = lines(50_000, 'more');
  const frame = zstdCompressSync(content);
  test.each([
    ['is not zstd', Buffer.from('this is no frame at all')],
    ['is empty', Buffer.alloc(0)],
    ['ends too early', frame.subarray(0, frame.length - 3)],
    ['is shorter than expected', zstdCompressSync(content.subarray(1))],
    ['is longer than expected', zstdCompressSync(Buffer.concat([content, content]))],
    ['would fill the memory', zstdCompressSync(Buffer.alloc(64 * MEBIBYTE))],
  ])('a payload that %s is refused, and the next one is not', async (_what, payload) => {
    const unpackers = new Unpackers();
    const refused = unpackers.unpack(payload, content.length);
    await expect(refused).rejects.toThrow(Error);
    expect((await unpackers.unpack(frame, content.length)).equals(content)).toBe(true);
  });

  test('more than one frame spoils no more than the payload behind it', async () => {
    const unpackers = new Unpackers();
    const trailing = Buffer.concat([frame, frame.subarray(0, 6)]);
    await Promise.allSettled([unpackers.unpack(trailing, content.length)]);
    await Promise.allSettled([unpackers.unpack(frame, content.length)]);
    expect((await unpackers.unpack(frame, content.length)).equals(content)).toBe(true);
  });

  test('any payload either is what was packed or is refused', async () => {
    const unpackers = new Unpackers();
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.nat(300), async (bytes, expected_bytes) => {
        const unpacked = await unpackers.unpack(Buffer.from(bytes), expected_bytes).catch(() => null);
        if (unpacked !== null) expect(unpacked).toHaveLength(expected_bytes);
      }),
    );
  });
});
