import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LEAF_BYTES } from '../../../../services/compute-agent/mover/disks/extents.ts';
import {
  acknowledgedFrame,
  extentFrameHead,
  FRAME_HEADER_BYTES,
  holdingsFrame,
  ProtocolError,
  readAcknowledged,
  readExtent,
  readHoldings,
  type Extent,
} from '../../../../services/compute-agent/mover/protocol.ts';
import {
  readBegin,
  readFailed,
  readFinish,
  readHello,
  readWelcome,
} from '../../../../services/compute-agent/mover/protocol-texts.ts';

const leaf = fc
  .uint8Array({ minLength: LEAF_BYTES, maxLength: LEAF_BYTES })
  .map((bytes) => Buffer.from(bytes));
const address = fc.record({ disk: fc.nat(0xffff), index: fc.nat(0xffffffff) });

const extent: fc.Arbitrary<Extent> = fc
  .record({
    address,
    leaf,
    encoding: fc.constantFrom(0 as const, 1 as const),
    gaps: fc.array(fc.record({ gap: fc.nat(9), length: fc.integer({ min: 1, max: 9 }) }), { maxLength: 20 }),
    payload: fc.uint8Array({ maxLength: 99 }).map((bytes) => Buffer.from(bytes)),
  })
  .map(({ address: where, gaps, ...rest }) => {
    let end = 0;
    const segments = gaps.map(({ gap, length }) => {
      const offset = end + gap;
      end = offset + length;
      return { offset, length };
    });
    return { ...where, ...rest, segments };
  });

const bodyOf = (frame: Buffer): Buffer => frame.subarray(FRAME_HEADER_BYTES);

describe('frames', () => {
  test('an extent is read as it was written', () => {
    fc.assert(
      fc.property(extent, (given) => {
        const frame = Buffer.concat([extentFrameHead(given), given.payload]);
        expect(frame.readUInt32BE(0)).toBe(frame.length - 4);
        expect(readExtent(bodyOf(frame))).toEqual(given);
      }),
    );
  });

  test('holdings and acknowledgements are read as they were written', () => {
    fc.assert(
      fc.property(
        fc.nat(0xffff),
        fc.array(fc.record({ index: fc.nat(0xffffffff), leaf })),
        (disk, holdings) => {
          expect(readHoldings(bodyOf(holdingsFrame(disk, holdings)))).toEqual({ disk, holdings });
        },
      ),
    );
    fc.assert(
      fc.property(fc.array(address), (extents) => {
        expect(readAcknowledged(bodyOf(acknowledgedFrame(extents)))).toEqual(extents);
      }),
    );
  });

  test('no body crashes a reader: it is understood or refused', () => {
    const readers = [
      readExtent,
      readHoldings,
      readAcknowledged,
      readHello,
      readWelcome,
      readBegin,
      readFinish,
      readFailed,
    ];
    const body = fc.oneof(
      fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
      fc.json().map((text) => Buffer.from(text)),
    );
    fc.assert(
      fc.property(body, fc.constantFrom(...readers), (given, read) => {
        try {
          read(given);
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
      }),
      { numRuns: 1000 },
    );
  });

  test.each([
    [
      'overlap',
      [
        { offset: 0, length: 8 },
        { offset: 4, length: 8 },
      ],
    ],
    [
      'go backwards',
      [
        { offset: 8, length: 4 },
        { offset: 0, length: 4 },
      ],
    ],
    ['are empty', [{ offset: 0, length: 0 }]],
  ])('segments that %s are refused', (_, segments) => {
    const given = {
      disk: 0,
      index: 0,
      leaf: Buffer.alloc(LEAF_BYTES),
      encoding: 0,
      segments,
      payload: Buffer.alloc(0),
    } as const;
    expect(() => readExtent(bodyOf(extentFrameHead(given)))).toThrow(ProtocolError);
  });

  test('an encoding that nobody knows is refused', () => {
    const body = bodyOf(
      extentFrameHead({
        disk: 0,
        index: 0,
        leaf: Buffer.alloc(LEAF_BYTES),
        encoding: 0,
        segments: [],
        payload: Buffer.alloc(0),
      }),
    );
    body.writeUInt8(2, 6 + LEAF_BYTES);
    expect(() => readExtent(body)).toThrow('encoding 2');
  });
});
