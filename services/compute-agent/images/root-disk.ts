import { open, rename, rm, symlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { HostName } from '../../../shared/domain/ids.ts';
import type { InstanceSpec } from '../../../shared/domain/instance-spec.ts';
import { syncFile, syncFolder } from '../folders/durable.ts';
import type { MarkedDisk } from '../folders/mark.ts';
import { sizeOf } from '../mover/disks/data-map.ts';
import type { PlannedVolume } from '../volumes/logical-volumes.ts';
import { describeDisk, qcow2Header } from './describe-disk.ts';
import { CACHE_FOLDER } from './cache-folder.ts';
import type { CachedImage, ImageCache } from './image-cache.ts';
import { neededForm } from './image-form.ts';
import { convertDisk, createOverlay, growQcow2 } from './qemu-img.ts';
import { sayingAtWork, type Asker } from './shared-work.ts';
import { copySparse } from './sparse-file.ts';

const GIBIBYTE = 1024 ** 3;
/** Makes a volume for a disk, at least so large, that the folder's mark names already. */
export type MakeVolume = (
  name: string,
  size_bytes: number,
) => Promise<{ readonly volume: PlannedVolume; readonly device: string }>;

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
 *   makeVolume                 a link to a volume with what a guest would see of the first or the last of these
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
  /** Null: disks are files. */
  readonly makeVolume: MakeVolume | null;
}): Promise<MarkedDisk> {
  const { folder, spec, settings, host, asker, makeVolume } = options;
  const wanted_bytes = wantedBytes('disk', spec);
  const path = join(folder, 'disk');
  const draft = join(folder, '.disk.making');
  await rm(draft, { force: true });
  let disk: MarkedDisk = { name: 'disk', format: 'raw', backing: null };
  if (spec.image === null) {
    await makeBlank(draft, Math.max(wanted_bytes, BLANK_BYTES_MIN));
  } else {
    const image = await options.images.ensure(spec.image, neededForm(settings), asker);
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
  if (makeVolume !== null) disk = await moveIntoVolume(draft, disk, makeVolume, host, asker);
  await rename(draft, path);
  await syncFolder(folder);
  return disk;
}

/** The draft becomes a link to a device with its content. */
async function moveIntoVolume(
  draft: string,
  disk: MarkedDisk,
  makeVolume: MakeVolume,
  host: HostName,
  asker: Asker,
): Promise<MarkedDisk> {
  const { name, format } = disk;
  const { virtual_size_bytes } = await describeDisk(dirname(draft), { ...disk, name: basename(draft) }, host);
  const { volume, device } = await makeVolume(name, virtual_size_bytes);
  // So that all of the volume is written: what its extents held before was somebody else's.
  await growDisk(draft, disk, volume.size_bytes, host);
  const forms = { source_format: format, target_format: 'raw', is_device: true } as const;
  await convertDisk({ source: draft, target: device, ...forms, host, asker });
  await sayingAtWork(asker, syncFile(device));
  await rm(draft);
  await symlink(device, draft);
  return { name, format: 'raw', backing: null, volume };
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

/** How large the flavor wants a disk: the root disk only. */
export const wantedBytes = (name: string, { flavor }: Pick<InstanceSpec, 'flavor'>): number =>
  name === 'disk' ? flavor.root_gb * GIBIBYTE : 0;

/** Makes a disk at least so large; it is never cut. A volume was made large enough when it was planned. */
export async function growDisk(
  path: string,
  disk: MarkedDisk,
  wanted_bytes: number,
  host: HostName,
): Promise<void> {
  if (disk.format === 'qcow2') {
    const { virtual_size_bytes } = await qcow2Header(path, host);
    if (virtual_size_bytes < wanted_bytes) await growQcow2(path, wanted_bytes, host);
    return;
  }
  const file = await open(path, 'r+');
  try {
    if ((await sizeOf(file)) < wanted_bytes) await file.truncate(wanted_bytes);
  } finally {
    await file.close();
  }
}
