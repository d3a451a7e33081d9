import type { ImageFormat } from '../../../shared/domain/instance-spec.ts';
import { inspectVhd, inspectVhdx, inspectVmdk } from './foreign-header.ts';

/** What an image's first bytes say about it. */
export type DiskInspection =
  | {
      /** Null: its first bytes do not say. */
      readonly virtual_size_bytes: number | null;
    }
  | { readonly refused: string };

/** Enough for the fixed part of every qcow2 header and its usual extensions. */
export const HEADER_BYTES = 65_536;

const QCOW2_MAGIC = 0x514649fb;
const HEADER_BYTES_V2 = 72;
const HEADER_BYTES_V3_MIN = 104;
const EXTERNAL_DATA_FILE_BIT = 1n << 2n;
const EXTENSION_DATA_FILE = 0x44415441;

/**
 * Checks that the bytes are what the image claims to be and refer to no other file.
 * A qcow2 with a backing file or an external data file would make a host read whatever path stands in it,
 * and so hand a file of the host to the guest. (Layout: QEMU's docs/interop/qcow2.txt.)
 * @param header the first HEADER_BYTES of the image, or all of a smaller one
 */
export function inspectDisk(disk_format: ImageFormat, header: Buffer, size_bytes: number): DiskInspection {
  switch (disk_format) {
    case 'raw':
    case 'qcow2':
      return inspectLocalDisk(disk_format, header, size_bytes);
    case 'vmdk':
      return inspectVmdk(header);
    case 'vhdx':
      return inspectVhdx(header);
    case 'vhd':
      return inspectVhd(header);
    default:
      return disk_format satisfies never;
  }
}

function inspectLocalDisk(disk_format: 'raw' | 'qcow2', header: Buffer, size_bytes: number): DiskInspection {
  const has_magic = header.length >= 4 && header.readUInt32BE(0) === QCOW2_MAGIC;
  if (disk_format === 'raw')
    return has_magic ? { refused: 'it is a qcow2, not raw' } : { virtual_size_bytes: size_bytes };
  if (!has_magic || header.length < HEADER_BYTES_V2) return { refused: 'it is no qcow2' };
  const version = header.readUInt32BE(4);
  if (version !== 2 && version !== 3) return { refused: `its qcow2 version ${version} is unknown` };
  if (header.readBigUInt64BE(8) !== 0n) return { refused: 'it has a backing file' };
  const virtual_size = header.readBigUInt64BE(24);
  if (virtual_size > BigInt(Number.MAX_SAFE_INTEGER)) return { refused: 'its virtual size is out of bounds' };
  if (version === 3) {
    const refused = inspectVersion3(header);
    if (refused !== null) return { refused };
  }
  return { virtual_size_bytes: Number(virtual_size) };
}

function inspectVersion3(header: Buffer): string | null {
  if (header.length < HEADER_BYTES_V3_MIN) return 'its header is cut off';
  if ((header.readBigUInt64BE(72) & EXTERNAL_DATA_FILE_BIT) !== 0n) return 'it has an external data file';
  // Header extensions: type, length, data padded to eight bytes; type 0 ends them.
  let at = header.readUInt32BE(100);
  while (at + 8 <= header.length) {
    const type = header.readUInt32BE(at);
    if (type === 0) return null;
    if (type === EXTENSION_DATA_FILE) return 'it has an external data file';
    at += 8 + Math.ceil(header.readUInt32BE(at + 4) / 8) * 8;
  }
  return null;
}
