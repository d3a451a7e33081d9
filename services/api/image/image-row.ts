import type { Queryable } from '../../../shared/database/connect.ts';
import type { ImageId } from '../../../shared/domain/ids.ts';
import type { ImageFormat } from '../../../shared/domain/instance-spec.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import type { Caller } from '../request-context.ts';

export type ImageStatus = 'queued' | 'saving' | 'active' | 'deleted';
export type Visibility = 'public' | 'private' | 'shared' | 'community';

export interface ImageRow {
  readonly id: ImageId;
  readonly name: string | null;
  readonly status: ImageStatus;
  readonly visibility: Visibility;
  readonly owner_project_id: string | null;
  readonly disk_format: ImageFormat | null;
  readonly container_format: string | null;
  readonly size_bytes: number | null;
  readonly virtual_size_bytes: number | null;
  readonly checksum_md5: string | null;
  readonly sha512: string | null;
  readonly min_disk_gb: number;
  readonly min_ram_mb: number;
  readonly is_protected: boolean;
  readonly is_hidden: boolean;
  readonly tags: readonly string[];
  readonly properties: Readonly<Record<string, string>>;
  readonly created_at: Date;
  readonly updated_at: Date;
}

export const imageColumns = `id, name, status, visibility, owner_project_id, disk_format, container_format, size_bytes,
  virtual_size_bytes, checksum_md5, sha512, min_disk_gb, min_ram_mb, is_protected, is_hidden, tags, properties,
  created_at, updated_at`;

export function isImageId(text: string): text is ImageId {
  return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text);
}

/** An image, whoever asks. Null when it is unknown, deleted, or the id is no UUID. */
export async function readImage(database: Queryable, id: string): Promise<ImageRow | null> {
  if (!isImageId(id)) return null;
  const { rows } = await database.query<ImageRow>(
    `select ${imageColumns} from images where id = $1 and deleted_at is null`,
    [id],
  );
  return rows[0] ?? null;
}

/** Public and community images are everybody's to read, the others their project's and an administrator's. */
export function maySee(caller: Caller, image: ImageRow): boolean {
  return (
    caller.is_admin ||
    image.visibility === 'public' ||
    image.visibility === 'community' ||
    image.owner_project_id === caller.project_id
  );
}

/** @throws DroverError image_not_found, for one that the caller may not see as well */
export async function requireImage(database: Queryable, caller: Caller, id: string): Promise<ImageRow> {
  const image = await readImage(database, id);
  if (image === null || !maySee(caller, image)) throw new DroverError('image_not_found', { id });
  return image;
}

/** @throws DroverError image_forbidden unless the caller's project owns the image and the caller may write */
export function requireOwner(caller: Caller, image: ImageRow, action: string): void {
  const owns = image.owner_project_id === caller.project_id && caller.roles.includes('member');
  if (!caller.is_admin && !owns) throw new DroverError('image_forbidden', { action });
}
