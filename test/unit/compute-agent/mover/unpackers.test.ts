import { constants, createZstdCompress, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Unpackers } from '../../../../services/compute-agent/mover/receiver/unpackers.ts';

const MEBIBYTE = 1024 * 1024;
const lines = (bytes: number, word: string): Buffer => Buffer.alloc(bytes, `a line with ${word} in it\n`);

/** What comes out, copied, and its room given back. */
async function through(unpackers: Unpackers, payload: Buffer, expected_bytes: number): Promise<Buffer> {
  const { bytes, release } = await unpackers.unpack(payload, expected_bytes);
  const content = Buffer.from(bytes);
  release();
  return content;
}

describe('unpackers', () => {
  test('what is given back makes room for the next one, and nothing else does', async () => {
    const unpackers = new Unpackers();
    const first = lines(MEBIBYTE, 'nothing else');
    const kept = await unpackers.unpack(zstdCompressSync(first), first.length);
    const rooms = new Set([kept.bytes.buffer]);
    for (let place = 0; place < 12; place += 1) {
      const content = lines(MEBIBYTE - place * 1000, String(place));
      const { bytes, release } = await unpackers.unpack(zstdCompressSync(content), content.length);
      expect(bytes.equals(content)).toBe(true);
      rooms.add(bytes.buffer);
      release();
    }
    expect(rooms.size).toBe(2);
    expect(kept.bytes.equals(first)).toBe(true);
  });

  test('one that is longer than any before', async () => {
    const content = lines(9 * MEBIBYTE + 7, 'nothing');
    const unpacked = await through(new Unpackers(), zstdCompressSync(content), content.length);
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
            contents.map((content) => through(unpackers, zstdCompressSync(content), content.length)),
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
    expect((await through(unpackers, frame, content.length)).equals(content)).toBe(true);
  });

  test('more than one frame spoils no more than the payload behind it', async () => {
    const unpackers = new Unpackers();
    const trailing = Buffer.concat([frame, frame.subarray(0, 6)]);
    const outcomes: string[] = [];
    for (const payload of [trailing, frame, frame]) {
      const unpacked = await through(unpackers, payload, content.length).catch(() => null);
      outcomes.push(unpacked === null ? 'refused' : String(unpacked.equals(content)));
    }
    // Which of the first two is refused depends on when zlib notices; one is, and none is wrong.
    expect(outcomes.filter((outcome) => outcome === 'refused')).toHaveLength(1);
    expect(outcomes).not.toContain('false');
    expect(outcomes.at(-1)).toBe('true');
  });

  test('a payload that would have more remembered than an extent is long is refused', async () => {
    const compress = createZstdCompress({ params: { [constants.ZSTD_c_windowLog]: 24 } });
    const packed: Buffer[] = [];
    compress.on('data', (bytes: Buffer) => packed.push(bytes));
    // In parts: a frame of unknown length says how much must be remembered.
    for (let part = 0; part < 5; part += 1) compress.write(lines(MEBIBYTE, String(part)));
    await new Promise((resolve) => compress.end().once('end', resolve));
    const refused = new Unpackers().unpack(Buffer.concat(packed), 5 * MEBIBYTE);
    await expect(refused).rejects.toThrow('Frame requires too much memory');
  });

  test('no more than four at a time, the lent ones among them', async () => {
    const unpackers = new Unpackers();
    const lent = await Promise.all(Array.from({ length: 4 }, () => unpackers.unpack(frame, content.length)));
    let fifth: Buffer | null = null;
    const waiting = through(unpackers, frame, content.length).then((bytes) => (fifth = bytes));
    await new Promise((resolve) => setImmediate(resolve));
    expect(fifth).toBeNull();
    lent[2]?.release();
    expect((await waiting).equals(content)).toBe(true);
    unpackers.close();
    for (const place of [0, 1, 3]) lent[place]?.release();
    expect((await through(unpackers, frame, content.length)).equals(content)).toBe(true);
  });

  test('any payload either is what was packed or is refused', async () => {
    const unpackers = new Unpackers();
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.nat(300), async (bytes, expected_bytes) => {
        const unpacked = await through(unpackers, Buffer.from(bytes), expected_bytes).catch(() => null);
        if (unpacked !== null) expect(unpacked).toHaveLength(expected_bytes);
      }),
    );
  });
});
