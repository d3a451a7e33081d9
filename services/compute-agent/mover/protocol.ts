import { LARGEST_EXTENT_BYTES, LEAF_BYTES, SEGMENTS_MAX, type Segment } from './disks/extents.ts';

/**
 * What a sender and a receiver say to each other, over any ordered stream of bytes (stdin and stdout of the forced
 * command of an SSH session). This file is the whole truth about it.
 *
 *     sender                                       receiver
 *       hello  {protocol, version, migration_id, session, stream} ─►
 *                            ◄─ welcome {version, migration_id}
 *       (the guest may be stopped here)
 *       begin  {round, disks: [{name, size_bytes}], continues} ─►   the first stream of a session only
 *                            ◄─ holdings  per disk: extents that are durable here, with their leaves
 *                            ◄─ ready {continued}
 *       extent extent extent … ─►                             any stream of the session
 *                            ◄─ acknowledged  extents that survive a power cut now, on the first stream
 *       (end of another stream) ─►
 *                            ◄─ ready   all that came over it was taken: now the first stream may finish
 *       finish {digests, prove} ─►                             the first stream only
 *                            ◄─ done {proved_bytes, prove_seconds}   all is durable, and the receiver holds what
 *                                                              the digests say
 *       begin  {round + 1, …} ─►  …                            a warm migration's next round
 *                            ◄─ failed {code, disk, reason}    at any time; then the receiver closes
 *
 * - A frame is: length of what follows (4 bytes, big endian), type (1 byte), body. A longer frame than the limit
 *   of the moment, an unknown type or a body that does not fit its type ends the connection: neither side guesses.
 * - Extents are those of disks/extents.ts. Where a leaf of the source equals the one that the receiver holds,
 *   nothing is sent; what the receiver does not hold is zeros there. So holes and zeros never travel, a copy that
 *   broke goes on where it was, and a later round sends what has changed: one rule for all three.
 * - Rounds: after `done` the same session may `begin` again. With `continues` the sender says that it knows what the
 *   receiver holds: all that the last `finish` announced. A receiver that still has that session open answers at
 *   once (`ready {continued: true}`) with its files and journal as they are; disks may have grown meanwhile. Any
 *   other receiver answers with its holdings, as always.
 * - `prove`: before `done` the receiver reads what the round has written again, from the disk, and notes which extents
 *   hold what they should (receiver/journal.ts). So the last look, while the guest is off, has little left to read.
 * - An extent's frame lists its runs of non-zero bytes and carries only those; the rest of the extent is zeros.
 * - Streams other than the first come and go at any time between `ready` and `finish`. One that has ended leaves its
 *   number to another; the receiver knows streams by their connections, so it does not matter if both are there for a while.
 * - Versions: a receiver that does not speak the sender's version says so in `failed` (`mover_refused`).
 */
export const PROTOCOL = 'drover-mover';
/** 3: leaves are BLAKE3. */
export const PROTOCOL_VERSION = 3;

export const frameTypes = {
  hello: 1,
  begin: 2,
  extent: 3,
  finish: 4,
  welcome: 65,
  holdings: 66,
  ready: 67,
  acknowledged: 68,
  done: 69,
  failed: 70,
} as const;
export type FrameTypeName = keyof typeof frameTypes;

export const FRAME_HEADER_BYTES = 5;
/** Frames of JSON, and everything before `begin`. */
export const TEXT_FRAME_BYTES_MAX = 64 * 1024;
/** Frames of digests, leaves and acknowledgements. */
export const TABLE_FRAME_BYTES_MAX = 256 * 1024;
export const DISKS_MAX = 64;
/** Connections of one session. */
export const STREAMS_MAX = 8;

const EXTENT_HEADER_BYTES = 2 + 4 + LEAF_BYTES + 1 + 2;
const SEGMENT_BYTES = 8;
export const EXTENT_FRAME_BYTES_MAX =
  1 + EXTENT_HEADER_BYTES + SEGMENTS_MAX * SEGMENT_BYTES + LARGEST_EXTENT_BYTES;

/** The longest frame that an extent of this length may need. */
export const extentFrameBytesMax = (extent_bytes: number): number =>
  1 + EXTENT_HEADER_BYTES + SEGMENTS_MAX * SEGMENT_BYTES + extent_bytes;

/** What the other side sent breaks the rules above. Nothing that it says counts any more. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
}

export interface Hello {
  readonly protocol: typeof PROTOCOL;
  readonly version: number;
  readonly migration_id: string;
  /** Random; streams of one session share it. */
  readonly session: string;
  /** 0 leads: it begins and finishes. */
  readonly stream: number;
}

export interface Welcome {
  readonly version: number;
  readonly migration_id: string;
}

export interface Begin {
  /** From 1. A warm migration's later rounds compare everything again. */
  readonly round: number;
  readonly disks: readonly { readonly name: string; readonly size_bytes: number }[];
  /** The sender knows what is held: it was here for the round before. */
  readonly continues?: boolean;
}

export interface Ready {
  /** No holdings were told: they are as the last `finish` said. */
  readonly continued: boolean;
}

export interface Finish {
  /** In the order of `begin`. */
  readonly digests: readonly string[];
  /** Read again what was written, before `done`. */
  readonly prove?: boolean;
}

export interface Done {
  /** Read again from the disk for this `done`, and found to be what it should be. */
  readonly proved_bytes: number;
  readonly prove_seconds: number;
}

export interface Failed {
  readonly code: string;
  /** Empty when it is about no disk. */
  readonly disk: string;
  readonly reason: string;
}

export interface ExtentAddress {
  /** Place in `begin`'s list. */
  readonly disk: number;
  readonly index: number;
}

export const encodings = { plain: 0, zstd: 1 } as const;
export type Encoding = (typeof encodings)[keyof typeof encodings];

export interface Extent extends ExtentAddress {
  readonly leaf: Buffer;
  readonly encoding: Encoding;
  readonly segments: readonly Segment[];
  /** The segments' bytes one after the other, encoded. */
  readonly payload: Buffer;
}

/** Everything of a frame but its payload's bytes, which need not be copied. */
export function frameHeader(type: number, body_bytes: number): Buffer {
  const header = Buffer.allocUnsafe(FRAME_HEADER_BYTES);
  header.writeUInt32BE(body_bytes + 1, 0);
  header.writeUInt8(type, 4);
  return header;
}

export function textFrame(
  type: FrameTypeName,
  value: Hello | Welcome | Begin | Ready | Finish | Done | Failed | object,
): Buffer {
  const body = Buffer.from(JSON.stringify(value));
  return Buffer.concat([frameHeader(frameTypes[type], body.length), body]);
}

/** An extent's frame up to its payload. */
export function extentFrameHead(extent: Extent): Buffer {
  const { segments, payload } = extent;
  const head_bytes = EXTENT_HEADER_BYTES + segments.length * SEGMENT_BYTES;
  const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + head_bytes);
  frameHeader(frameTypes.extent, head_bytes + payload.length).copy(frame);
  let at = FRAME_HEADER_BYTES;
  at = frame.writeUInt16BE(extent.disk, at);
  at = frame.writeUInt32BE(extent.index, at);
  at += extent.leaf.copy(frame, at);
  at = frame.writeUInt8(extent.encoding, at);
  at = frame.writeUInt16BE(segments.length, at);
  for (const { offset, length } of segments) {
    at = frame.writeUInt32BE(offset, at);
    at = frame.writeUInt32BE(length, at);
  }
  return frame;
}

/**
 * Reads an extent's frame and checks all that can be checked without knowing the disks.
 * @throws ProtocolError
 */
export function readExtent(body: Buffer): Extent {
  if (body.length < EXTENT_HEADER_BYTES) throw new ProtocolError('an extent without its header');
  const disk = body.readUInt16BE(0);
  const index = body.readUInt32BE(2);
  const leaf = body.subarray(6, 6 + LEAF_BYTES);
  const encoding = body.readUInt8(6 + LEAF_BYTES);
  if (encoding !== encodings.plain && encoding !== encodings.zstd) {
    throw new ProtocolError(`unknown encoding ${encoding}`);
  }
  const count = body.readUInt16BE(7 + LEAF_BYTES);
  const payload_at = EXTENT_HEADER_BYTES + count * SEGMENT_BYTES;
  if (count > SEGMENTS_MAX || payload_at > body.length)
    throw new ProtocolError(`an extent of ${count} segments`);
  const segments: Segment[] = [];
  let end = 0;
  for (let place = 0; place < count; place += 1) {
    const offset = body.readUInt32BE(EXTENT_HEADER_BYTES + place * SEGMENT_BYTES);
    const length = body.readUInt32BE(EXTENT_HEADER_BYTES + place * SEGMENT_BYTES + 4);
    if (offset < end || length === 0) throw new ProtocolError('segments out of order');
    end = offset + length;
    segments.push({ offset, length });
  }
  return { disk, index, leaf, encoding, segments, payload: body.subarray(payload_at) };
}

/** Bytes that an extent's payload must decode to. */
export const decodedBytes = (segments: readonly Segment[]): number =>
  segments.reduce((sum, { length }) => sum + length, 0);

const HOLDING_BYTES = 4 + LEAF_BYTES;
/** Holdings that fit one frame. */
export const HOLDINGS_PER_FRAME = Math.floor((TABLE_FRAME_BYTES_MAX - 16) / HOLDING_BYTES);

export interface Holding {
  readonly index: number;
  readonly leaf: Buffer;
}

export function holdingsFrame(disk: number, holdings: readonly Holding[]): Buffer {
  const body = Buffer.allocUnsafe(2 + holdings.length * HOLDING_BYTES);
  let at = body.writeUInt16BE(disk, 0);
  for (const { index, leaf } of holdings) {
    at = body.writeUInt32BE(index, at);
    at += leaf.copy(body, at);
  }
  return Buffer.concat([frameHeader(frameTypes.holdings, body.length), body]);
}

/** @throws ProtocolError */
export function readHoldings(body: Buffer): { readonly disk: number; readonly holdings: readonly Holding[] } {
  if (body.length < 2 || (body.length - 2) % HOLDING_BYTES !== 0) throw new ProtocolError('torn holdings');
  const holdings: Holding[] = [];
  for (let at = 2; at < body.length; at += HOLDING_BYTES) {
    holdings.push({ index: body.readUInt32BE(at), leaf: body.subarray(at + 4, at + HOLDING_BYTES) });
  }
  return { disk: body.readUInt16BE(0), holdings };
}

const ADDRESS_BYTES = 6;
/** Acknowledged extents that fit one frame. */
export const ACKNOWLEDGED_PER_FRAME = Math.floor((TABLE_FRAME_BYTES_MAX - 16) / ADDRESS_BYTES);

export function acknowledgedFrame(extents: readonly ExtentAddress[]): Buffer {
  const body = Buffer.allocUnsafe(extents.length * ADDRESS_BYTES);
  let at = 0;
  for (const { disk, index } of extents) {
    at = body.writeUInt16BE(disk, at);
    at = body.writeUInt32BE(index, at);
  }
  return Buffer.concat([frameHeader(frameTypes.acknowledged, body.length), body]);
}

/** @throws ProtocolError */
export function readAcknowledged(body: Buffer): readonly ExtentAddress[] {
  if (body.length % ADDRESS_BYTES !== 0) throw new ProtocolError('a torn acknowledgement');
  const extents: ExtentAddress[] = [];
  for (let at = 0; at < body.length; at += ADDRESS_BYTES) {
    extents.push({ disk: body.readUInt16BE(at), index: body.readUInt32BE(at + 2) });
  }
  return extents;
}
