import type { InstanceMark } from '../folders/mark.ts';
import type { PlannedVolume, VolumeName } from './logical-volumes.ts';

/** Volumes that Drover made, or is about to make, for the disks of a folder. They go with it. */
export function volumesOf(mark: Pick<InstanceMark, 'disks' | 'conversions'>): readonly PlannedVolume[] {
  const volumes: PlannedVolume[] = [];
  for (const { volume } of [...mark.disks, ...(mark.conversions ?? [])])
    if (volume !== undefined && !volumes.some((other) => isSameVolume(other, volume))) volumes.push(volume);
  return volumes;
}

export const isSameVolume = (one: VolumeName, other: VolumeName): boolean =>
  one.group === other.group && one.name === other.name;
