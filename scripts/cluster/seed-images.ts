import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { importImage } from '../../services/api/image/import-image.ts';
import type { Pool } from '../../shared/database/connect.ts';
import { writeImageFile } from './sample-disk.ts';
import type { World } from './world.ts';

const IMAGE_BYTES_MAX = 1024 ** 4;

/** Makes the world's images and puts them into the image service's store. Those that are there stay as they are. */
export async function seedImages(pool: Pool, world: World, store_path: string): Promise<void> {
  const known = await pool.query<{ name: string }>('select name from images where deleted_at is null');
  const missing = world.images.filter((image) => !known.rows.some(({ name }) => name === image.name));
  if (missing.length === 0) return;
  const folder = mkdtempSync(join(tmpdir(), 'drover-images-'));
  try {
    for (const [index, image] of missing.entries()) {
      const path = join(folder, `image-${index}`);
      await writeImageFile(path, image.content, image.disk_format);
      await importImage(
        pool,
        { store_path, max_size_bytes: IMAGE_BYTES_MAX },
        {
          id: image.id,
          name: image.name,
          disk_format: image.disk_format,
          container_format: image.container_format,
          visibility: image.visibility,
          owner_project_id: await projectId(pool, image.owner_project),
          min_ram_mb: image.min_ram_mb,
          min_disk_gb: image.min_disk_gb,
          bytes: { path },
        },
      );
      rmSync(path);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @throws Error for a project that the world does not have */
async function projectId(pool: Pool, name: string): Promise<string> {
  const { rows } = await pool.query<{ id: string }>('select id from projects where name = $1', [name]);
  if (rows[0] === undefined)
    throw new Error(`an image belongs to the project "${name}", which the world does not have`);
  return rows[0].id;
}
