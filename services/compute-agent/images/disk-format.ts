import type { HostName, InstanceId } from '../../../shared/domain/ids.ts';
import type { DiskFormat } from '../../../shared/domain/instance-spec.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';

/** Nova's `[libvirt] images_type`. */
export type ImagesType = 'default' | 'raw' | 'flat' | 'qcow2' | 'lvm' | 'rbd' | 'ploop';

/** Whether new disks are overlays: images_type decides, and use_cow_images where it leaves that open (Nova's rule). */
export function usesOverlays(images_type: ImagesType, use_cow_images: boolean): boolean {
  return images_type === 'default' ? use_cow_images : images_type === 'qcow2';
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
      return 'raw';
    case 'qcow2':
      return 'qcow2';
    case 'lvm':
      throw missing('Drover makes no logical volumes (lvcreate in images_volume_group) yet');
    case 'rbd':
      throw missing('Drover writes into no Ceph pool yet');
    case 'ploop':
      throw missing('Drover writes no ploop images');
    default:
      return images_type satisfies never;
  }
}
