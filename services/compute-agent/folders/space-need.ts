import type { DiskDescription } from '../../../shared/messaging/commands.ts';

const MEBIBYTE = 1024 * 1024;
/** File systems hand out space in blocks of this size, or of a multiple that the headroom covers. */
const BLOCK_BYTES = 4096;
/** A small disk is not refused for the few files that its guest wrote while it was moved. */
const HEADROOM_BYTES_MIN = 64 * MEBIBYTE;
/** Tables of a qcow2 file: its parents and what rounding adds. One part in a thousand comes on top, for 64 KiB clusters. */
const TABLES_BYTES = 64 * MEBIBYTE;
const TABLES_PART = 0.001;

/** Length that a disk's file may come to have on the target: a qcow2 file grows until its guest is stopped. */
export function fileBytesMax(disk: DiskDescription): number {
  if (disk.format === 'raw') return disk.file_size_bytes;
  return Math.max(
    disk.file_size_bytes,
    Math.ceil(disk.virtual_size_bytes * (1 + TABLES_PART)) + TABLES_BYTES,
  );
}

/**
 * What the target reserves for a disk: what it has in use, and a part of what its guest may still write into it while
 * it is on its way. The receiver takes no more than this, so that the promise holds whatever the sender does.
 *
 * Not the whole of `fileBytesMax`, unless the option says so: most disks are larger than what is ever written to them,
 * and hosts that are planned for that (Nova's disk_allocation_ratio) would refuse nearly everything. Not the bytes in
 * use alone either: a guest that runs during a warm copy writes.
 * @param headroom_percent of the unused part: 0 a small minimum only, 100 a disk that fills up on its way still fits
 */
export function reservedBytesOf(disk: DiskDescription, headroom_percent: number): number {
  const most_bytes = wholeBlocks(fileBytesMax(disk));
  const used_bytes = Math.min(wholeBlocks(disk.allocated_bytes), most_bytes);
  const part_bytes = Math.ceil(((most_bytes - used_bytes) * headroom_percent) / 100);
  return Math.min(used_bytes + wholeBlocks(Math.max(part_bytes, HEADROOM_BYTES_MIN)), most_bytes);
}

export const wholeBlocks = (bytes: number): number => Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES;
