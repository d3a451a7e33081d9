import type { HostName, InstanceId } from '../../../shared/domain/ids.ts';
import type { DiskFormat } from '../../../shared/domain/instance-spec.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';

/** Nova's `[libvirt] images_type`. */
export type ImagesType = 'default' | 'raw' | 'flat' | 'qcow2' | 'lvm' | 'rbd' | 'ploop';

/**
 * Whether new disks are overlays: images_type decides, and use_cow_images where it leaves that open (Nova's rule). What
 * goes into a volume is read through an overlay that is as large as the volume.
 */
export function usesOverlays(images_type: ImagesType, use_cow_images: boolean): boolean {
  if (images_type === 'default') return use_cow_images;
  return images_type === 'qcow2' || images_type === 'lvm';
}

/** The group that a host keeps its disks in; null: they are files. @throws DroverError volume_group_unset */
export function volumeGroup(
  settings: { readonly images_type: ImagesType; readonly images_volume_group: string | null },
  host: HostName,
): string | null {
  if (settings.images_type !== 'lvm') return null;
  if (settings.images_volume_group !== null) return settings.images_volume_group;
  throw new DroverError('volume_group_unset', { host });
}

/**
 * The format that a host wants of a disk that comes to it.
 * @throws DroverError disk_storage_unsupported, which names what we lack
 */
export function wantedFormat(
  images_type: ImagesType,
  present: DiskFormat,
  where: { readonly host: HostName; readonly instance: InstanceId },
): DiskFormat {
  const missing = (what: string) =>
    new DroverError('disk_storage_unsupported', { ...where, images_type, missing: what });
  switch (images_type) {
    case 'default':
      return present;
    case 'raw':
    case 'flat':
    // A volume holds the guest's bytes and nothing else.
    case 'lvm':
      return 'raw';
    case 'qcow2':
      return 'qcow2';
    case 'rbd':
      throw missing('Drover writes into no Ceph pool yet');
    case 'ploop':
      throw missing('Drover writes no ploop images');
    default:
      return images_type satisfies never;
  }
}
