import type { HostName } from '../../../shared/domain/ids.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import type { VolumeName } from './logical-volumes.ts';

/** @param found ends the sentence "disk … lies in logical volume …, but" */
export const deviceMissing = (
  disk: string,
  { group, name }: VolumeName,
  host: HostName,
  found: string,
): DroverError =>
  new DroverError('volume_device_missing', { disk, host, volume: `${group}/${name}`, group, found });

/** What looking at a volume's device has met: it is not there while the volume is not active. */
export const asDeviceMissing = (error: unknown, disk: string, volume: VolumeName, host: HostName): unknown =>
  ['ENOENT', 'ENXIO', 'ENODEV'].includes((error as NodeJS.ErrnoException).code ?? '')
    ? deviceMissing(disk, volume, host, "the volume's device is not there")
    : error;
