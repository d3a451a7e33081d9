import type { ImageSource } from '../../../shared/domain/instance-spec.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import type { BackingFile } from '../../../shared/messaging/commands.ts';
import type { ImageCache } from './image-cache.ts';
import type { Asker } from './shared-work.ts';

/**
 * Fetches the very file that an arriving overlay stands on, if it is not here.
 * @throws DroverError backing_image_mismatch when the image service gives another one; also as ImageCache.ensure
 */
export async function ensureBacking(
  images: ImageCache,
  backing: BackingFile,
  source: ImageSource | null,
  asker: Asker,
): Promise<void> {
  if (await images.has(backing.sha512)) return images.check(backing.sha512, asker);
  const { host } = images.reader;
  const refuse = (reason: string) =>
    new DroverError('backing_image_mismatch', { expected: backing.sha512, host, reason });
  if (source === null) throw refuse('the host does not have it, and the instance names no image');
  const form = backing.format === 'raw' && source.disk_format !== 'raw' ? 'raw' : 'as it is';
  if (form === 'as it is' && source.sha512 !== backing.sha512)
    throw refuse(`image ${source.id} has sha512 ${source.sha512}`);
  const fetched = await images.ensure(source, form, asker);
  if (fetched.sha512 !== backing.sha512)
    throw refuse(`image ${source.id} gave one with sha512 ${fetched.sha512}`);
}
