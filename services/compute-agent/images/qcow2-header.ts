import { open } from 'node:fs/promises';

/**
 * The few fields of a qcow2 header that an agent needs, read and changed in process: starting qemu-img for them costs
 * tens of milliseconds per step. Layout: QEMU's docs/interop/qcow2.txt, "Header"; all numbers are big-endian.
 */
export interface Qcow2Header {
  readonly version: number;
  readonly virtual_size_bytes: number;
  readonly cluster_size_bytes: number;
  /** As written in the file: may be relative to the file's own folder. */
  readonly backing_file: string | null;
}

const MAGIC = 0x51_46_49_fb;
const HEADER_BYTES_MIN = 72;
const NAME_BYTES_MAX = 1023;
const place = { version: 4, backing_offset: 8, backing_size: 16, cluster_bits: 20, size: 24 } as const;

/** @returns null when the file is no qcow2 file. @throws RangeError for a header that contradicts itself */
export async function readQcow2Header(path: string): Promise<Qcow2Header | null> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEADER_BYTES_MIN), 0, HEADER_BYTES_MIN, 0);
    if (bytesRead < HEADER_BYTES_MIN || buffer.readUInt32BE(0) !== MAGIC) return null;
    const { offset, size } = backingPlace(buffer);
    const name = Buffer.alloc(size);
    if (size > 0 && (await file.read(name, 0, size, offset)).bytesRead < size)
      throw new RangeError('the name of its backing file lies past its end');
    return {
      version: buffer.readUInt32BE(place.version),
      virtual_size_bytes: Number(buffer.readBigUInt64BE(place.size)),
      cluster_size_bytes: clusterSize(buffer),
      backing_file: offset === 0 ? null : name.toString('utf8'),
    };
  } finally {
    await file.close();
  }
}

/**
 * Writes another name of the backing file into an overlay, where the old one stood, and flushes it. The content of
 * the backing file must be the same. Nothing happens when the name is right already.
 * @throws RangeError when the file is no overlay, or the name does not fit into its first cluster
 */
export async function writeBackingFile(path: string, backing_file: string): Promise<void> {
  const name = Buffer.from(backing_file, 'utf8');
  const file = await open(path, 'r+');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEADER_BYTES_MIN), 0, HEADER_BYTES_MIN, 0);
    if (bytesRead < HEADER_BYTES_MIN || buffer.readUInt32BE(0) !== MAGIC)
      throw new RangeError('it is no qcow2 file');
    const { offset, size } = backingPlace(buffer);
    if (offset === 0) throw new RangeError('it has no backing file');
    const present = Buffer.alloc(size);
    await file.read(present, 0, size, offset);
    if (present.equals(name)) return;
    // The name is the last thing in the first cluster, so a longer one has room behind it.
    if (name.length > NAME_BYTES_MAX || offset + name.length > clusterSize(buffer))
      throw new RangeError(`a name of ${name.length} bytes does not fit into its header`);
    await file.write(
      Buffer.concat([name, Buffer.alloc(Math.max(0, size - name.length))]),
      0,
      undefined,
      offset,
    );
    const length = Buffer.alloc(4);
    length.writeUInt32BE(name.length);
    await file.write(length, 0, 4, place.backing_size);
    await file.sync();
  } finally {
    await file.close();
  }
}

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
