import { createReadStream, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { request, type Session } from './api-session.ts';
import { writeImageFile } from './sample-disk.ts';
import type { World, WorldImage } from './world.ts';

/** Uploads the world's images through the image API, as a person would. Images with a known name are left alone. */
export async function seedImages(session: Session, world: World): Promise<void> {
  const { images } = await request<{ images: ReadonlyArray<{ name: string }> }>(
    session,
    'GET',
    '/image/v2/images',
  );
  const missing = world.images.filter((wanted) => !images.some((found) => found.name === wanted.name));
  if (missing.length === 0) return;
  const folder = mkdtempSync(join(tmpdir(), 'drover-images-'));
  try {
    for (const image of missing) {
      const file = join(folder, image.name.replaceAll(/[^\w.-]/g, '_'));
      await writeImageFile(file, image.content, image.disk_format);
      await uploadImage(session, image, file);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Registers an image and sends its bytes. @returns the image's id */
export async function uploadImage(
  session: Session,
  image: Omit<WorldImage, 'content' | 'owner_project'>,
  file: string,
): Promise<string> {
  const { id } = await request<{ id: string }>(session, 'POST', '/image/v2/images', {
    ...(image.id === null ? {} : { id: image.id }),
    name: image.name,
    disk_format: image.disk_format,
    container_format: image.container_format,
    visibility: image.visibility,
    min_ram: image.min_ram_mb,
    min_disk: image.min_disk_gb,
  });
  const response = await fetch(`${session.api_url}/image/v2/images/${id}/file`, {
    method: 'PUT',
    headers: {
      'X-Auth-Token': session.token,
      'Content-Type': 'application/octet-stream',
      'Content-Length': String(statSync(file).size),
    },
    body: Readable.toWeb(createReadStream(file)),
    duplex: 'half',
  });
  if (!response.ok)
    throw new Error(`uploading image ${image.name}: ${response.status} ${await response.text()}`);
  return id;
}
