import { timeWithZone } from '../http/times.ts';
import type { ImageRow } from './image-row.ts';

/** An image as Glance shows it; paths are relative to the service's root. Own properties stand beside the fixed ones. */
export function imageView(image: ImageRow): object {
  return {
    ...image.properties,
    name: image.name,
    disk_format: image.disk_format,
    container_format: image.container_format,
    visibility: image.visibility,
    size: image.size_bytes,
    virtual_size: image.virtual_size_bytes,
    status: image.status,
    checksum: image.checksum_md5,
    protected: image.is_protected,
    min_ram: image.min_ram_mb,
    min_disk: image.min_disk_gb,
    owner: image.owner_project_id,
    os_hidden: image.is_hidden,
    os_hash_algo: image.sha512 === null ? null : 'sha512',
    os_hash_value: image.sha512,
    id: image.id,
    created_at: timeWithZone(image.created_at),
    updated_at: timeWithZone(image.updated_at),
    tags: image.tags,
    self: `/v2/images/${image.id}`,
    file: `/v2/images/${image.id}/file`,
    schema: '/v2/schemas/image',
  };
}
