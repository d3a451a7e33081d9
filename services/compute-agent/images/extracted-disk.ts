import { constants } from 'node:fs';
import { copyFile, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { HostName, ImageId } from '../../../shared/domain/ids.ts';
import type { DiskFormat, ImageFormat } from '../../../shared/domain/instance-spec.ts';
import { makeFolder, syncFile, writeFileDurably } from '../folders/durable.ts';
import { renameBackingFile } from './describe-disk.ts';
import { digestOf } from './cache-files.ts';
import type { ImageCache } from './image-cache.ts';
import { convertDisk, type TargetFormat } from './qemu-img.ts';
import { sayingAtWork, type Asker } from './shared-work.ts';
import { copySparse } from './sparse-file.ts';

/** What is known of a file that waits to be uploaded. */
export interface ExtractedDisk {
  readonly sha512: string;
  readonly size_bytes: number;
}

export interface Extraction {
  /** Passing: made here, removed after the upload, and at the agent's next start. */
  readonly folder: string;
  readonly disk_path: string;
  readonly format: DiskFormat;
  readonly wanted: ImageFormat;
  /**
   * Does a work while the guest writes nothing. Absent: the guest is off, and its disk is read as it lies.
   */
  readonly holdWrites?: <Result>(work: () => Promise<Result>) => Promise<Result>;
  readonly images: ImageCache;
  readonly host: HostName;
  readonly onPart: (part: number) => void;
}

export const IMAGE_NAME = 'image';
const NOTE_NAME = 'image.json';

/** The passing folder's last part: of one image only. */
export const extractionName = (image: ImageId): string => image.replaceAll('-', '').slice(0, 12);

const toolNames: Readonly<Record<ImageFormat, TargetFormat>> = {
  raw: 'raw',
  qcow2: 'qcow2',
  vmdk: 'vmdk',
  vhdx: 'vhdx',
  vhd: 'vpc',
};

/**
 * Makes `<folder>/image`: the guest's disk with all that it stands on, as one file. A running guest's disk is first copied
 * while its writes are held: at once where the file system can share blocks (reflink), else for as long as the copy
 * takes. So the image is what a power cut would have left (crash-consistent), not what a shutdown would.
 * A result that is there already is taken.
 */
export async function extractDisk(extraction: Extraction, asker: Asker): Promise<ExtractedDisk> {
  const { folder, disk_path, format, wanted, holdWrites, images, host, onPart } = extraction;
  const present = await readExtracted(folder);
  if (present !== null) return present;
  await rm(folder, { recursive: true, force: true });
  await makeFolder(folder);
  let source = disk_path;
  if (holdWrites !== undefined) {
    source = join(folder, 'held');
    // Before the guest waits: where what its disk stands on lies, for the copy is in another folder.
    const [below] = format === 'qcow2' ? await images.chain(disk_path, asker) : [];
    await holdWrites(() => copyAtOnce(disk_path, source, asker));
    if (below !== undefined) await renameBackingFile(source, below.path, host);
  }
  const target = join(folder, IMAGE_NAME);
  const formats = { source_format: format, target_format: toolNames[wanted] };
  await convertDisk({ source, target, ...formats, host, asker, onPart });
  if (source !== disk_path) await rm(source);
  await sayingAtWork(asker, syncFile(target));
  const sha512 = (await digestOf(target, asker)).sha512;
  const { size: size_bytes } = await stat(target);
  await writeFileDurably(join(folder, NOTE_NAME), JSON.stringify({ sha512, size_bytes }));
  return { sha512, size_bytes };
}

async function copyAtOnce(source: string, target: string, asker: Asker): Promise<void> {
  try {
    await copyFile(source, target, constants.COPYFILE_FICLONE_FORCE);
  } catch {
    // This file system cannot, or it is a device.
    await rm(target, { force: true });
    await copySparse(source, target, 0, asker);
  }
}

/** @returns null when there is no finished one */
export async function readExtracted(folder: string): Promise<ExtractedDisk | null> {
  try {
    return JSON.parse(await readFile(join(folder, NOTE_NAME), 'utf8')) as ExtractedDisk;
  } catch {
    return null;
  }
}
