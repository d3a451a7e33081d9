import type { DiskInspection } from './disk-header.ts';

/**
 * What the first bytes of an image in another product's format say. Drover makes no guests of these, so nothing here is
 * opened on a host; the checks find what is mislabelled, in pieces, or says that its data lies in other files.
 */

const SECTOR_BYTES = 512;
const VMDK_MAGIC = 'KDMV';
const VMDK_CAPACITY_AT = 12;
const DESCRIPTOR = /createType\s*=\s*"([^"]{1,64})"/;
const WHOLE_VMDK: readonly string[] = ['streamOptimized', 'monolithicSparse'];

/** VMware's sparse extent with its descriptor in it (VMware, Virtual Disk Format 5.0). */
export function inspectVmdk(header: Buffer): DiskInspection {
  if (header.length < SECTOR_BYTES || header.toString('latin1', 0, 4) !== VMDK_MAGIC)
    return { refused: 'it is no vmdk in one file' };
  const text = header.toString('latin1', SECTOR_BYTES);
  const [, kind] = DESCRIPTOR.exec(text) ?? [];
  if (kind === undefined || !WHOLE_VMDK.includes(kind))
    return { refused: `it is a vmdk of type "${kind ?? ''}", not ${WHOLE_VMDK.join(' or ')}` };
  if (/parentFileNameHint/.test(text)) return { refused: 'it stands on another file' };
  return sized(header.readBigUInt64LE(VMDK_CAPACITY_AT) * BigInt(SECTOR_BYTES));
}

/** Microsoft's VHDX: how large the disk is stands in a table further back, and is not looked for. */
export function inspectVhdx(header: Buffer): DiskInspection {
  return header.length >= 8 && header.toString('latin1', 0, 8) === 'vhdxfile'
    ? { virtual_size_bytes: null }
    : { refused: 'it is no vhdx' };
}

const VHD_SIZE_AT = 48;
const VHD_TYPE_AT = 60;
const VHD_DYNAMIC = 3;

/** Microsoft's VHD (VirtualPC), the dynamic kind: a copy of its footer comes first. */
export function inspectVhd(header: Buffer): DiskInspection {
  if (header.length < SECTOR_BYTES || header.toString('latin1', 0, 8) !== 'conectix')
    return { refused: 'it is no dynamic vhd' };
  const type = header.readUInt32BE(VHD_TYPE_AT);
  if (type !== VHD_DYNAMIC) return { refused: `it is a vhd of type ${type}, not a dynamic one` };
  return sized(header.readBigUInt64BE(VHD_SIZE_AT));
}

function sized(bytes: bigint): DiskInspection {
  if (bytes > BigInt(Number.MAX_SAFE_INTEGER)) return { refused: 'its virtual size is out of bounds' };
  return { virtual_size_bytes: Number(bytes) };
}
