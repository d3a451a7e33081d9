import { boolean, duration, integer } from '../option.ts';
import { defineSection } from '../section.ts';

export const imageCacheSection = defineSection(
  'image_cache',
  "A host's images, and other files that disks stand on: the folder _base beside its instances.",
  {
    manager_interval: integer({
      default: 2400,
      minimum: -1,
      unit: 'seconds',
      help: 'How often a host looks for files that no disk uses any more. -1: never. 0: every 60 s.',
    }),
    remove_unused_base_images: boolean({
      default: true,
      help: 'Removes files that no disk on the host has used for a while. They are fetched again when one needs them.',
    }),
    remove_unused_original_minimum_age_seconds: duration({
      default: 86_400,
      minimum: 0,
      help: 'How long a file must have been unused before it is removed.',
    }),
  },
);
