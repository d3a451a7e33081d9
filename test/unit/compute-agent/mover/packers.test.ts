import { randomBytes } from 'node:crypto';
import { zstdDecompressSync } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Packers } from '../../../../services/compute-agent/mover/sender/packers.ts';

const MEBIBYTE = 1024 * 1024;
/** In the fifth byte of a frame of zstd: a field with the length follows. */
const SAYS_LENGTH = 0xe0;

let packers: Packers;
beforeEach(() => {
  packers = new Packers();
});
afterEach(() => packers.close());

/** Words and noise: some of it gets shorter. */
function payload(bytes: number, noise_bytes: number): Buffer {
  const content = Buffer.alloc(bytes, 'where one disk ends, another begins; ');
  randomBytes(Math.min(noise_bytes, bytes)).copy(content);
  return content;
}

test('payloads of any length, several at a time and at changing levels, come out as they went in', async () => {
  const sizes = fc.record({
    bytes: fc.integer({ min: 1, max: 3 * MEBIBYTE }),
    noise_bytes: fc.integer({ min: 0, max: 3 * MEBIBYTE }),
    level: fc.constantFrom(-5, 1, 3, 6),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(sizes, { minLength: 1, maxLength: 5 }), async (payloads) => {
      const plain = payloads.map(({ bytes, noise_bytes }) => payload(bytes, noise_bytes));
      const packed = await Promise.all(
        plain.map((content, place) => packers.pack(content, payloads[place]?.level ?? 1)),
      );
      for (const [place, { bytes, release }] of packed.entries()) {
        // The frame says how long its content is: it is unpacked in one go, without a copy.
        expect((bytes[4] ?? 0) & SAYS_LENGTH).not.toBe(0);
        const maxOutputLength = plain[place]?.length ?? 0;
        expect(zstdDecompressSync(bytes, { maxOutputLength }).equals(plain[place] ?? Buffer.alloc(0))).toBe(
          true,
        );
        release();
      }
    }),
    { numRuns: 20 },
  );
});

test('what is given back makes room for the next one, and nothing else does', async () => {
  const kept = await packers.pack(payload(MEBIBYTE, 700_000), 1);
  const copy = Buffer.from(kept.bytes);
  const rooms = new Set([kept.bytes.buffer]);
  for (let turn = 0; turn < 12; turn += 1) {
    const plain = payload(MEBIBYTE, 700_000);
    const { bytes, release } = await packers.pack(plain, 1);
    expect(bytes.length).toBeLessThan(720_000);
    expect(zstdDecompressSync(bytes, { maxOutputLength: MEBIBYTE }).equals(plain)).toBe(true);
    rooms.add(bytes.buffer);
    release();
  }
  expect(rooms.size).toBe(2);
  expect(kept.bytes.equals(copy)).toBe(true);
});

test('of many results that wait to leave a few keep their packers, and all hold', async () => {
  const plain = Array.from({ length: 12 }, (_, place) => payload(MEBIBYTE, 100_000 + place));
  const lent = await Promise.all(plain.map((content) => packers.pack(content, 1)));
  const longest = Math.max(...lent.map(({ bytes }) => bytes.length));
  const whole_rooms = lent.filter(({ bytes }) => bytes.buffer.byteLength > 2 * longest);
  expect(whole_rooms).toHaveLength(3);
  for (const [place, { bytes, release }] of lent.entries()) {
    expect(zstdDecompressSync(bytes).equals(plain[place] ?? Buffer.alloc(0))).toBe(true);
    release();
  }
  const again = await packers.pack(payload(MEBIBYTE, 0), 1);
  expect(new Set(whole_rooms.map(({ bytes }) => bytes.buffer)).has(again.bytes.buffer)).toBe(true);
});

test('closed while it packs, it ends the payload first', async () => {
  const packing = packers.pack(payload(MEBIBYTE, 0), 1);
  packers.close();
  expect(zstdDecompressSync((await packing).bytes).length).toBe(MEBIBYTE);
});

test('payloads that fail, more than are packed at once, are told and hinder nobody', async () => {
  const none = { length: MEBIBYTE } as Buffer;
  const failed = await Promise.allSettled(Array.from({ length: 10 }, () => packers.pack(none, 1)));
  expect(new Set(failed.map(({ status }) => status))).toEqual(new Set(['rejected']));
  const { bytes } = await packers.pack(payload(MEBIBYTE, 0), 1);
  expect(zstdDecompressSync(bytes).length).toBe(MEBIBYTE);
});
