import type { VolumeName } from './logical-volumes.ts';

/** Of the device mapper's name, `<group>-<volume>` with each hyphen of either written twice (DM_NAME_LEN, less its end). */
const DEVICE_NAME_CHARACTERS_MAX = 127;

/**
 * Why LVM would not make a volume of this name: asked before anything travels, while its guest runs. lvm(8), "Valid names".
 * @returns null when it would
 */
export function nameTrouble({ group, name }: VolumeName): string | null {
  if (!/^[A-Za-z0-9+_.][A-Za-z0-9+_.-]*$/.test(name))
    return 'names have letters, digits, and + _ . - only, and do not begin with a hyphen';
  if (
    /_(cdata|cmeta|corig|cpool|cvol|iorig|mimage|mlog|pmspare|rimage|rmeta|tdata|tmeta|vdata|vorigin|wcorig)/.test(
      name,
    )
  )
    return 'a part of its name is kept for volumes that LVM makes itself';
  const written = [group, name].map((part) => part.replaceAll('-', '--')).join('-');
  if (written.length <= DEVICE_NAME_CHARACTERS_MAX) return null;
  return `its device's name would have ${written.length} characters (${written}), and ${DEVICE_NAME_CHARACTERS_MAX} are the most`;
}
