import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { HostName } from '../../../shared/domain/ids.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import type { DiskDescription } from '../../../shared/messaging/commands.ts';
import type { MarkedDisk } from '../folders/mark.ts';
import { deviceSizeOf } from '../mover/disks/data-map.ts';
import { asDeviceMissing } from '../volumes/missing-device.ts';
import { readQcow2Header, writeBackingFile, type Qcow2Header } from './qcow2-header.ts';

/** POSIX: st_blocks counts these, whatever the file system's own block size is. */
export const STAT_BLOCK_BYTES = 512;

/**
 * The sizes of a disk as they are now.
 * @throws DroverError disk_format_unknown for a file that is not what its mark says; volume_device_missing
 */
export async function describeDisk(
  folder: string,
  disk: MarkedDisk,
  host: HostName,
): Promise<DiskDescription> {
  const path = join(folder, disk.name);
  const { name, format, backing } = disk;
  const found = await stat(path).catch((error: unknown) => {
    throw disk.volume === undefined ? error : asDeviceMissing(error, path, disk.volume, host);
  });
  // A volume: its name here leads to a device, which says nothing of what is in use.
  const size = found.isBlockDevice() ? await deviceSizeOf(found.rdev) : found.size;
  return {
    name,
    format,
    virtual_size_bytes: format === 'raw' ? size : (await qcow2Header(path, host)).virtual_size_bytes,
    file_size_bytes: size,
    allocated_bytes: found.isBlockDevice() ? size : Math.min(found.blocks * STAT_BLOCK_BYTES, size),
    backing,
  };
}

/** @throws DroverError disk_format_unknown */
export async function qcow2Header(path: string, host: HostName): Promise<Qcow2Header> {
  try {
    const header = await readQcow2Header(path);
    if (header !== null) return header;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw unknownFormat(path, host, error.message);
  }
  throw unknownFormat(path, host, 'its first bytes are others');
}

export function unknownFormat(path: string, host: HostName, reason: string): DroverError {
  return new DroverError('disk_format_unknown', { disk: path, host, format: 'qcow2', reason });
}

/** Gives an overlay this host's name of its backing file. @throws DroverError disk_format_unknown */
export async function renameBackingFile(path: string, backing_file: string, host: HostName): Promise<void> {
  try {
    await writeBackingFile(path, backing_file);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw unknownFormat(path, host, error.message);
  }
}
