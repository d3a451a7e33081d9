import { promisify } from 'node:util';
import { constants, zstdCompress, zstdDecompress } from 'node:zlib';
import type { Decision, DecisionRecord } from './placement/model.ts';

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

/**
 * A decision as its column keeps it: JSON, compressed here. At 5,000 hosts a record has some 37 kB; as jsonb the database
 * parsed and compressed it again, while the claim held its host's lock, and that was most of a claim's cost. zstd makes
 * 6 kB of it in a thread that nobody waits for.
 */
export async function packRecord(decision: Decision): Promise<Buffer> {
  return await compress(JSON.stringify(decision), {
    params: { [constants.ZSTD_c_compressionLevel]: 1 },
  });
}

/** @throws SyntaxError, or zlib's error, for what packRecord did not write */
export async function unpackRecord(packed: Buffer): Promise<DecisionRecord> {
  return JSON.parse((await decompress(packed)).toString('utf8')) as DecisionRecord;
}
