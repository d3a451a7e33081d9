import { constants as zlib, zstdDecompress } from 'node:zlib';
import { decodedBytes, encodings, ProtocolError, type Extent } from '../protocol.ts';

/** Of zlib's: less it does not take. */
const CHUNK_BYTES_MIN = 64;

/** An extent's bytes, whose number its segments have fixed before: a payload cannot make us take more memory. @throws ProtocolError */
export function decode(extent: Extent): Promise<Buffer> {
  const expected = decodedBytes(extent.segments);
  if (extent.encoding === encodings.plain) {
    if (extent.payload.length !== expected)
      throw new ProtocolError('a payload of another length than its segments');
    return Promise.resolve(extent.payload);
  }
  if (expected === 0) throw new ProtocolError('an encoded payload of nothing');
  const options = {
    maxOutputLength: expected,
    // Room for all of it and a little: what is full is asked once more, and each time on another thread.
    chunkSize: expected + CHUNK_BYTES_MIN,
    params: { [zlib.ZSTD_d_windowLogMax]: 24 },
  };
  return new Promise((resolve, reject) => {
    zstdDecompress(extent.payload, options, (error, content) => {
      if (error !== null)
        return reject(new ProtocolError('a payload that cannot be decoded', { cause: error }));
      if (content.length !== expected)
        return reject(new ProtocolError('a payload that decodes to another length'));
      resolve(content);
    });
  });
}
