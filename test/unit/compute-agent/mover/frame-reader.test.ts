import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FrameReader, type Frame } from '../../../../services/compute-agent/mover/frame-reader.ts';
import { frameHeader, ProtocolError } from '../../../../services/compute-agent/mover/protocol.ts';

const LENGTH_MAX = 64;
const limit = (type: number): number => (type < 8 ? LENGTH_MAX : 0);

function readAll(reader: FrameReader, chunks: readonly Buffer[]): Frame[] {
  const frames: Frame[] = [];
  // Copied one by one: a reader may use a body's memory again for the next.
  for (const chunk of chunks) {
    for (const { type, body } of reader.read(chunk)) frames.push({ type, body: Buffer.from(body) });
  }
  return frames;
}

/** Cuts bytes into chunks at the given places. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const bounds = [
    0,
    ...places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b),
    bytes.length,
  ];
  return bounds.slice(1).map((end, place) => bytes.subarray(bounds[place], end));
}

const frame = fc.record({
  type: fc.integer({ min: 0, max: 7 }),
  body: fc.uint8Array({ maxLength: LENGTH_MAX - 1 }).map((bytes) => Buffer.from(bytes)),
});

describe('FrameReader', () => {
  test('gives back what was framed, however the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(frame), fc.array(fc.nat()), fc.boolean(), (frames, places, reuse) => {
        const bytes = Buffer.concat(
          frames.flatMap(({ type, body }) => [frameHeader(type, body.length), body]),
        );
        const reader = new FrameReader(limit, { reuse });
        expect(readAll(reader, cut(bytes, places))).toEqual(frames);
        expect(reader.torn).toBe(false);
      }),
    );
  });

  test('answers any bytes with frames within the limits or a ProtocolError', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 })), (chunks) => {
        const reader = new FrameReader(limit, { reuse: false });
        try {
          for (const { type, body } of readAll(
            reader,
            chunks.map((chunk) => Buffer.from(chunk)),
          )) {
            expect(body.length).toBeLessThan(limit(type));
          }
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
      }),
    );
  });

  test('refuses a long frame by its header, before its body has come', () => {
    const reader = new FrameReader(limit, { reuse: false });
    expect(() => readAll(reader, [frameHeader(1, 0xfffffff0)])).toThrow(ProtocolError);
  });

  test('refuses a type that may not come now', () => {
    const reader = new FrameReader(limit, { reuse: false });
    expect(() => readAll(reader, [frameHeader(9, 1)])).toThrow('type 9');
  });

  test('knows that a stream ended in the middle of a frame', () => {
    const reader = new FrameReader(limit, { reuse: false });
    readAll(reader, [frameHeader(1, 5), Buffer.from('abc')]);
    expect(reader.torn).toBe(true);
  });
});
