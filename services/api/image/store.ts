import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, type ReadStream } from 'node:fs';
import { mkdir, open, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { ImageId } from '../../../shared/domain/ids.ts';
import type { ImageFormat } from '../../../shared/domain/instance-spec.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import { HEADER_BYTES, inspectDisk } from './disk-header.ts';

export interface StoreSettings {
  /** Folder of the images' bytes; files in it are named by the image's id, never by what a user typed. */
  readonly store_path: string;
  readonly max_size_bytes: number;
}

/** What is known of an image once its bytes are stored. */
export interface StoredImage {
  readonly size_bytes: number;
  readonly virtual_size_bytes: number | null;
  readonly checksum_md5: string;
  readonly sha512: string;
}

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const part_file = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.[0-9a-f]{16}\.part$/;

/** True for the name of a file that an upload fills. */
export function isPartFile(name: string): boolean {
  return part_file.test(name);
}

function fileOf(settings: StoreSettings, id: ImageId): string {
  if (!uuid.test(id)) throw new Error('an image file must be named by a UUID');
  return join(settings.store_path, id);
}

/**
 * Writes an image's bytes as they arrive: to a temporary file, then checked, synced and renamed, so that a file
 * with the image's name is always whole.
 * @throws DroverError image_too_large, image_data_refused; whatever the source throws (the client went away)
 */
export async function storeImage(
  settings: StoreSettings,
  image: { readonly id: ImageId; readonly disk_format: ImageFormat },
  source: AsyncIterable<Buffer | Uint8Array>,
): Promise<StoredImage> {
  const target = fileOf(settings, image.id);
  await mkdir(settings.store_path, { recursive: true, mode: 0o700 });
  const temporary = `${target}.${randomBytes(8).toString('hex')}.part`;
  try {
    const file = await open(temporary, 'wx', 0o600);
    let stored: StoredImage;
    try {
      stored = await write(settings, image, source, file);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, target);
    await syncFolder(settings.store_path);
    return stored;
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

async function write(
  settings: StoreSettings,
  image: { readonly id: ImageId; readonly disk_format: ImageFormat },
  source: AsyncIterable<Buffer | Uint8Array>,
  file: FileHandle,
): Promise<StoredImage> {
  const md5 = createHash('md5');
  const sha512 = createHash('sha512');
  const header: Uint8Array[] = [];
  let header_bytes = 0;
  let size_bytes = 0;
  for await (const chunk of source) {
    size_bytes += chunk.length;
    if (size_bytes > settings.max_size_bytes)
      throw new DroverError('image_too_large', { bytes: settings.max_size_bytes });
    if (header_bytes < HEADER_BYTES) {
      header.push(chunk.subarray(0, HEADER_BYTES - header_bytes));
      header_bytes += Math.min(chunk.length, HEADER_BYTES - header_bytes);
    }
    md5.update(chunk);
    sha512.update(chunk);
    await writeAll(file, chunk);
  }
  const inspection = inspectDisk(image.disk_format, Buffer.concat(header), size_bytes);
  if ('refused' in inspection)
    throw new DroverError('image_data_refused', { id: image.id, reason: inspection.refused });
  return {
    size_bytes,
    virtual_size_bytes: inspection.virtual_size_bytes,
    checksum_md5: md5.digest('hex'),
    sha512: sha512.digest('hex'),
  };
}

async function writeAll(file: FileHandle, chunk: Uint8Array): Promise<void> {
  let at = 0;
  while (at < chunk.length) at += (await file.write(chunk, at)).bytesWritten;
}

/** The rename is only lasting once the folder itself is on disk. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** The stored bytes, or null when the file is not there (another machine's folder, or a lost one). */
export async function openImage(
  settings: StoreSettings,
  id: ImageId,
): Promise<{ readonly stream: ReadStream; readonly size_bytes: number } | null> {
  const path = fileOf(settings, id);
  try {
    const { size } = await stat(path);
    return { stream: createReadStream(path), size_bytes: size };
  } catch (error) {
    if (typeof error === 'object' && error !== null && Reflect.get(error, 'code') === 'ENOENT') return null;
    throw error;
  }
}

/** Removes the bytes; fine if there are none. */
export async function removeImage(settings: StoreSettings, id: ImageId): Promise<void> {
  await rm(fileOf(settings, id), { force: true });
}
