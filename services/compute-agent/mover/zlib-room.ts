import type { Transform } from 'node:stream';
import { LARGEST_EXTENT_BYTES, SMALLEST_EXTENT_BYTES } from './disks/extents.ts';

/**
 * Streams of Node's zlib fill a room and take a new one when it is full. That memory is let go by collections of all
 * garbage, which a copy that packs forces thirty times per GiB: a fifth of its processor time. Here the next result
 * is written where the last one was, when its user has given it back.
 *
 * This knows the inside of Node's zlib (its version is pinned). Where it does not look as expected, each result gets new
 * room when the old is full, as without this.
 */
export function useRoomAgain(stream: Transform): void {
  if (typeof Reflect.get(stream, '_outOffset') === 'number') Reflect.set(stream, '_outOffset', 0);
}

/** What zlib has made, in room that is used again. */
export interface Lent {
  readonly bytes: Buffer;
  /** Once, when the bytes are not needed any more: they change then. */
  readonly release: () => void;
}

/** Plain bytes that a room is made for: the length of the extents that payloads of this length come from. */
export function roomFor(plain_bytes: number): number {
  let room_bytes = SMALLEST_EXTENT_BYTES;
  while (room_bytes < Math.min(plain_bytes, LARGEST_EXTENT_BYTES)) room_bytes *= 2;
  return room_bytes;
}
