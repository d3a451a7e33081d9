import { promisify } from 'node:util';
import { zstdCompressSync, zstdDecompress } from 'node:zlib';
import type { HostName } from '../../shared/domain/ids.ts';
import { packParts, unpackParts } from './placement-record-parts.ts';
import { packRejections, unpackRejections } from './placement-record-columns.ts';
import type { Decision, DecisionRecord, RejectionHead, WeighedHost } from './placement/decision.ts';
import { recordedRequest } from './placement/record.ts';

const decompress = promisify(zstdDecompress);

/**
 * A decision as its column keeps it. Two forms, told apart by their first byte:
 *
 *   zstd's own (0x28)  the readable record as JSON, compressed
 *   2                  length of the head (uint32), the head as JSON, the parts of the weights
 *                      (placement-record-parts.ts), the rejections in columns (placement-record-columns.ts); the hosts'
 *                      names are stored once for all decisions (host-lists.ts)
 *
 * The second exists because a thousand decisions a second are to be stored with all their reasons: at 5,000 hosts the
 * JSON has 40 to 70 kB, and to write and to compress it took three times as long as to decide. This has about 8 kB, is
 * not worth compressing, and reads back as the same record.
 */
const COLUMNS_FORM = 2;
const HEAD_AT = 5;

type Head = Omit<DecisionRecord, 'rejections' | 'ranked'> & {
  readonly host_list: string;
  readonly heads: readonly RejectionHead[];
  /** Of each ranked host, in this order. */
  readonly weighers: readonly string[];
  readonly ranked: ReadonlyArray<Omit<WeighedHost, 'parts'>>;
};

/** @param digestOf the name under which a list of hosts is stored */
export function packRecord(decision: Decision, digestOf: (names: readonly HostName[]) => string): Buffer {
  const columns = decision.rejections.columns();
  // A decision that was read back has no columns any more; nobody stores those in numbers.
  if (columns === null) return zstdCompressSync(JSON.stringify(decision));
  const { toJSON: _toJSON, rejections: _rejections, ranked, request, ...plain } = decision;
  const head: Head = {
    ...plain,
    request: recordedRequest(request),
    host_list: digestOf(columns.names),
    heads: columns.heads,
    weighers: ranked[0]?.parts.map(({ weigher }) => weigher) ?? [],
    ranked: ranked.map(({ host, rank, weight }) => ({ host, rank, weight })),
  };
  const text = JSON.stringify(head);
  const head_bytes = Buffer.byteLength(text);
  const parts = packParts(ranked);
  const body = packRejections(columns);
  const parts_at = HEAD_AT + head_bytes;
  const bytes = Buffer.allocUnsafe(parts_at + parts.length + body.length);
  bytes.writeUInt8(COLUMNS_FORM, 0);
  bytes.writeUInt32LE(head_bytes, 1);
  bytes.write(text, HEAD_AT);
  parts.copy(bytes, parts_at);
  body.copy(bytes, parts_at + parts.length);
  return bytes;
}

/**
 * @param namesOf the list of hosts stored under this name
 * @throws SyntaxError, RangeError or zlib's error, for what packRecord did not write; what `namesOf` throws
 */
export async function unpackRecord(
  packed: Buffer,
  namesOf: (digest: string) => Promise<readonly HostName[]>,
): Promise<DecisionRecord> {
  if (packed[0] !== COLUMNS_FORM)
    return JSON.parse((await decompress(packed)).toString('utf8')) as DecisionRecord;
  const parts_at = HEAD_AT + packed.readUInt32LE(1);
  const head = JSON.parse(packed.toString('utf8', HEAD_AT, parts_at)) as Head;
  const { host_list, heads, weighers, ranked, ...plain } = head;
  const { parts, length } = unpackParts(packed.subarray(parts_at), ranked.length, weighers);
  const body = packed.subarray(parts_at + length);
  return {
    ...plain,
    ranked: ranked.map((host, place) => ({ ...host, parts: parts[place] ?? [] })),
    rejections: unpackRejections(body, await namesOf(host_list), heads),
  };
}
