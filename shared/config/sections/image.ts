import { bytes, duration, path } from '../option.ts';
import { defineSection } from '../section.ts';

export const imageSection = defineSection('image', 'The image service of the api.', {
  store_path: path({
    default: '$state_path/images',
    help: 'Folder with the bytes of images. Must be shared when several api processes run.',
  }),
  max_size_bytes: bytes({
    default: 1_099_511_627_776,
    minimum: 1,
    help: 'Largest image that may be stored.',
  }),
  ticket_lifetime_seconds: duration({
    default: 3600,
    minimum: 1,
    help: 'How long a host may fetch an image after it was told to.',
  }),
});
