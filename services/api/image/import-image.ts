import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { Pool } from '../../../shared/database/connect.ts';
import { imageId, type ImageId } from '../../../shared/domain/ids.ts';
import type { DiskFormat } from '../../../shared/domain/instance-spec.ts';
import { storeImage, type StoreSettings } from './store.ts';

export interface ImportedImage {
  /** Null: a new one is made. */
  readonly id?: string | null;
  readonly name: string;
  readonly disk_format: DiskFormat;
  readonly container_format: string;
  readonly visibility: string;
  readonly owner_project_id: string;
  readonly min_ram_mb: number;
  readonly min_disk_gb: number;
  readonly properties?: Readonly<Record<string, string>>;
  /** The bytes themselves, or the path of a file with them. */
  readonly bytes: Buffer | { readonly path: string };
}

/**
 * Registers an image with its data, for a new cluster: no HTTP, no user. An active image of that name and owner
 * stays as it is, so that it may be run again.
 * @throws DroverError image_data_refused, image_too_large
 */
export async function importImage(
  pool: Pool,
  settings: StoreSettings,
  image: ImportedImage,
): Promise<ImageId> {
  const { rows } = await pool.query<{ id: ImageId }>(
    `select id from images
     where name = $1 and owner_project_id = $2 and status = 'active' and deleted_at is null limit 1`,
    [image.name, image.owner_project_id],
  );
  if (rows[0] !== undefined) return rows[0].id;
  const id = imageId(image.id ?? randomUUID());
  const { bytes } = image;
  const source = Buffer.isBuffer(bytes) ? piecesOf(bytes) : createReadStream(bytes.path);
  const stored = await storeImage(settings, { id, disk_format: image.disk_format }, source);
  await pool.query(
    `insert into images (id, name, status, visibility, owner_project_id, disk_format, container_format, size_bytes,
       virtual_size_bytes, checksum_md5, sha512, min_disk_gb, min_ram_mb, properties)
     values ($1, $2, 'active', $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
    [
      id,
      image.name,
      image.visibility,
      image.owner_project_id,
      image.disk_format,
      image.container_format,
      stored.size_bytes,
      stored.virtual_size_bytes,
      stored.checksum_md5,
      stored.sha512,
      image.min_disk_gb,
      image.min_ram_mb,
      image.properties ?? {},
    ],
  );
  return id;
}

async function* piecesOf(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}
