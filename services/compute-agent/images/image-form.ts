import type { DiskSettings } from './root-disk.ts';

/** In which form an image is needed to make a root disk of it: an overlay may stand on any, a copy is raw. */
export const neededForm = ({ use_cow_images, force_raw_images }: DiskSettings): 'as it is' | 'raw' =>
  use_cow_images && !force_raw_images ? 'as it is' : 'raw';
