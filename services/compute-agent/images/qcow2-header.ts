import { open, type FileHandle } from 'node:fs/promises';

/**
 * The few fields of a qcow2 header that an agent needs, read and changed in process: starting qemu-img for them costs
 * tens of milliseconds per step. Layout: QEMU's docs/interop/qcow2.txt, "Header" and "Header extensions"; all numbers
 * are big-endian.
 */
export interface Qcow2Header {
  readonly version: number;
  readonly virtual_size_bytes: number;
  readonly cluster_size_bytes: number;
  /** As written in the file: may be relative to the file's own folder. */
  readonly backing_file: string | null;
  /** Of every extension that names one; a reader may believe any of them. */
  readonly backing_formats: readonly string[];
  readonly has_external_data_file: boolean;
}

const MAGIC = 0x51_46_49_fb;
const HEADER_BYTES_V2 = 72;
const HEADER_BYTES_V3 = 104;
const NAME_BYTES_MAX = 1023;
const place = {
  version: 4,
  backing_offset: 8,
  backing_size: 16,
  cluster_bits: 20,
  size: 24,
  incompatible_features: 72,
  header_length: 100,
} as const;
const EXTERNAL_DATA_FILE = 1n << 2n;
const extensions = { end: 0, backing_format: 0xe2792aca, data_file: 0x44415441 } as const;
/** The usual cluster; larger ones are read whole. */
const FIRST_READ_BYTES = 64 * 1024;

/** @returns null when the file is no qcow2 file. @throws RangeError for a header that contradicts itself */
export async function readQcow2Header(path: string): Promise<Qcow2Header | null> {
  const file = await open(path, 'r');
  try {
    return parseQcow2Header(await readFirstCluster(file));
  } finally {
    await file.close();
  }
}

/**
 * @param start the file's first cluster, or all of a shorter file
 * @returns null for what does not begin as a qcow2 file. @throws RangeError for a header that contradicts itself
 */
export function parseQcow2Header(start: Buffer): Qcow2Header | null {
  if (!hasMagic(start)) return null;
  const version = start.readUInt32BE(place.version);
  const virtual_size_bytes = start.readBigUInt64BE(place.size);
  if (virtual_size_bytes > BigInt(Number.MAX_SAFE_INTEGER))
    throw new RangeError(`its virtual size is ${virtual_size_bytes} bytes`);
  const { offset, size } = backingPlace(start);
  if (offset + size > start.length) throw new RangeError('the name of its backing file lies past its end');
  return {
    version,
    virtual_size_bytes: Number(virtual_size_bytes),
    cluster_size_bytes: clusterSize(start),
    backing_file: offset === 0 ? null : start.toString('utf8', offset, offset + size),
    ...referencesIn(start, version),
  };
}

/** Walks the header extensions: type, length, data padded to eight bytes; type 0 ends them. */
function referencesIn(
  start: Buffer,
  version: number,
): Pick<Qcow2Header, 'backing_formats' | 'has_external_data_file'> {
  let at: number = HEADER_BYTES_V2;
  let has_external_data_file = false;
  if (version >= 3 && start.length >= HEADER_BYTES_V3) {
    has_external_data_file = (start.readBigUInt64BE(place.incompatible_features) & EXTERNAL_DATA_FILE) !== 0n;
    at = start.readUInt32BE(place.header_length);
  }
  const backing_formats: string[] = [];
  while (at + 8 <= start.length) {
    const type = start.readUInt32BE(at);
    const length = start.readUInt32BE(at + 4);
    if (type === extensions.end) break;
    if (type === extensions.data_file) has_external_data_file = true;
    if (type === extensions.backing_format)
      backing_formats.push(start.toString('latin1', at + 8, at + 8 + length));
    at += 8 + Math.ceil(length / 8) * 8;
  }
  return { backing_formats, has_external_data_file };
}

/**
 * An overlay's first cluster with another name of the backing file in it, where the old one stood.
 * @throws RangeError when it is no overlay's, or has no room for the name
 */
export function withBackingFile(start: Buffer, backing_file: string): Buffer {
  if (!hasMagic(start)) throw new RangeError('it is no qcow2 file');
  const { offset, size } = backingPlace(start);
  if (offset === 0) throw new RangeError('it has no backing file');
  const name = Buffer.from(backing_file, 'utf8');
  // The name is the last thing in the first cluster, so a longer one has room behind it: unless somebody made it else.
  const end = offset + Math.max(name.length, size);
  const fits = name.length <= NAME_BYTES_MAX && end <= Math.min(start.length, clusterSize(start));
  if (!fits || start.subarray(offset + size, end).some((byte) => byte !== 0))
    throw new RangeError(`a name of ${name.length} bytes does not fit into its header`);
  const changed = Buffer.from(start);
  changed.fill(0, offset, end);
  name.copy(changed, offset);
  changed.writeUInt32BE(name.length, place.backing_size);
  return changed;
}

/**
 * Writes another name of the backing file into an overlay and flushes it. The content of the backing file must be the
 * same. Nothing happens when the name is right already.
 * @throws RangeError when the file is no overlay, or the name does not fit into its first cluster
 */
export async function writeBackingFile(path: string, backing_file: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    const start = await readFirstCluster(file);
    const changed = withBackingFile(start, backing_file);
    if (changed.equals(start)) return;
    await file.write(changed, 0, changed.length, 0);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** All of a file that is shorter than a cluster, or is no qcow2 file. */
export async function readFirstCluster(file: FileHandle): Promise<Buffer> {
  const start = await readStart(file, FIRST_READ_BYTES);
  if (start.length < FIRST_READ_BYTES || !hasMagic(start)) return start;
  const cluster_size_bytes = clusterSize(start);
  if (cluster_size_bytes <= start.length) return start.subarray(0, cluster_size_bytes);
  return readStart(file, cluster_size_bytes);
}

async function readStart(file: FileHandle, bytes: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(bytes), 0, bytes, 0);
  return buffer.subarray(0, bytesRead);
}

const hasMagic = (start: Buffer): boolean =>
  start.length >= HEADER_BYTES_V2 && start.readUInt32BE(0) === MAGIC;

function clusterSize(header: Buffer): number {
  const bits = header.readUInt32BE(place.cluster_bits);
  if (bits < 9 || bits > 21) throw new RangeError(`its cluster size is 2^${bits} bytes`);
  return 2 ** bits;
}

function backingPlace(header: Buffer): { readonly offset: number; readonly size: number } {
  const offset = Number(header.readBigUInt64BE(place.backing_offset));
  const size = offset === 0 ? 0 : header.readUInt32BE(place.backing_size);
  if (size > NAME_BYTES_MAX || offset + size > clusterSize(header))
    throw new RangeError('the name of its backing file does not lie in its first cluster');
  return { offset, size };
}
