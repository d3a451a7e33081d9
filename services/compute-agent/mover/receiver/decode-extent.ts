import { decodedBytes, encodings, ProtocolError, type Extent } from '../protocol.ts';
import type { Lent } from '../zlib-room.ts';
import type { Unpackers } from './unpackers.ts';

/** An extent's bytes, whose number its segments have fixed before: a payload cannot make us take more memory. @throws ProtocolError */
export async function decode(extent: Extent, unpackers: Unpackers): Promise<Lent> {
  const expected_bytes = decodedBytes(extent.segments);
  if (extent.encoding === encodings.plain) {
    if (extent.payload.length !== expected_bytes)
      throw new ProtocolError('a payload of another length than its segments');
    return { bytes: extent.payload, release: () => undefined };
  }
  if (expected_bytes === 0) throw new ProtocolError('an encoded payload of nothing');
  try {
    return await unpackers.unpack(extent.payload, expected_bytes);
  } catch (error) {
    throw new ProtocolError('a payload that cannot be decoded', { cause: error });
  }
}
