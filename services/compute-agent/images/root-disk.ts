import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { HostName } from '../../../shared/domain/ids.ts';
import type { InstanceSpec } from '../../../shared/domain/instance-spec.ts';
import { syncFile, syncFolder } from '../folders/durable.ts';
import type { MarkedDisk } from '../folders/mark.ts';
import { qcow2Header } from './describe-disk.ts';
import { CACHE_FOLDER } from './cache-folder.ts';
import type { CachedImage, ImageCache } from './image-cache.ts';
import { createOverlay, growQcow2 } from './qemu-img.ts';
import type { Asker } from './shared-work.ts';
import { copySparse } from './sparse-file.ts';

const GIBIBYTE = 1024 ** 3;
/** A guest without image and without root_gb still gets something that can be sent. */
const BLANK_BYTES_MIN = 1024 ** 2;

export interface DiskSettings {
  readonly use_cow_images: boolean;
  readonly force_raw_images: boolean;
}

/**
 * Makes `<folder>/disk`, the guest's one local disk:
 *
 *   image, use_cow_images      qcow2 overlay on `../_base/<sha512>`, which is the image (its raw form with force_raw_images)
 *   image, no use_cow_images   raw: a sparse copy of the image's raw form
 *   no image                   raw and empty
 *
 * It is as large as the image or the flavor's root_gb, whichever is more: a disk is never cut. It appears whole.
 */
export async function makeRootDisk(options: {
  readonly folder: string;
  readonly spec: InstanceSpec;
  readonly images: ImageCache;
  readonly settings: DiskSettings;
  readonly host: HostName;
  readonly asker: Asker;
}): Promise<MarkedDisk> {
  const { folder, spec, settings, host, asker } = options;
  const wanted_bytes = spec.flavor.root_gb * GIBIBYTE;
  const path = join(folder, 'disk');
  const draft = join(folder, '.disk.making');
  await rm(draft, { force: true });
  let disk: MarkedDisk = { name: 'disk', format: 'raw', backing: null };
  if (spec.image === null) {
    await makeBlank(draft, Math.max(wanted_bytes, BLANK_BYTES_MIN));
  } else {
    const form = settings.use_cow_images && !settings.force_raw_images ? 'as it is' : 'raw';
    const image = await options.images.ensure(spec.image, form, asker);
    if (settings.use_cow_images) {
      await makeOverlay(draft, image, wanted_bytes, host);
      const { sha512, format, size_bytes } = image;
      disk = {
        name: 'disk',
        format: 'qcow2',
        backing: { image_id: spec.image.id, sha512, format, size_bytes },
      };
    } else {
      await copySparse(image.path, draft, wanted_bytes, asker);
    }
  }
  await rename(draft, path);
  await syncFolder(folder);
  return disk;
}

/** The name of a backing file as it stands in an overlay of any instance folder. */
export const backingFileName = (sha512: string) => `../${CACHE_FOLDER}/${sha512}`;

async function makeOverlay(
  path: string,
  image: CachedImage,
  wanted_bytes: number,
  host: HostName,
): Promise<void> {
  const image_bytes =
    image.format === 'raw' ? image.size_bytes : (await qcow2Header(image.path, host)).virtual_size_bytes;
  await createOverlay({
    path,
    backing_file: backingFileName(image.sha512),
    backing_format: image.format,
    size_bytes: Math.max(image_bytes, wanted_bytes),
    host,
  });
  await syncFile(path);
}

async function makeBlank(path: string, size_bytes: number): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.truncate(size_bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes a disk at least as large as the flavor wants it. For a resize; a disk is never cut. */
export async function growDisk(
  path: string,
  disk: MarkedDisk,
  root_gb: number,
  host: HostName,
): Promise<void> {
  const wanted_bytes = root_gb * GIBIBYTE;
  if (disk.format === 'qcow2') {
    const { virtual_size_bytes } = await qcow2Header(path, host);
    if (virtual_size_bytes < wanted_bytes) await growQcow2(path, wanted_bytes, host);
    return;
  }
  const file = await open(path, 'r+');
  try {
    if ((await file.stat()).size < wanted_bytes) await file.truncate(wanted_bytes);
  } finally {
    await file.close();
  }
}
