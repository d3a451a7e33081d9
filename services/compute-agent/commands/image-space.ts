import { stat } from 'node:fs/promises';
import type { ImageSource } from '../../../shared/domain/instance-spec.ts';
import { dataBytes } from '../images/data-bytes.ts';
import { STAT_BLOCK_BYTES } from '../images/describe-disk.ts';
import type { CachedImage } from '../images/image-cache.ts';
import { neededForm } from '../images/image-form.ts';
import type { AcceptedCommand, HostParts } from './definition.ts';

type Spawn = AcceptedCommand<'spawn'>;

/**
 * Builds a root disk with the space held that it and its image take: building takes nothing of what copies on their way here
 * were promised. How much an image takes as raw is known when it has been fetched, and asked for then: a compressed
 * one's own size says nothing of it.
 * @throws DroverError host_disk_full; whatever fetching, converting and `build` throw
 */
export async function holdingImage<Result>(
  command: Spawn,
  parts: HostParts,
  build: () => Promise<Result>,
): Promise<Result> {
  const { image } = command.arguments.spec;
  if (image === null) return build();
  const { settings, space } = parts;
  const { instance_id } = command;
  const holdDisk = (bytes: number): Promise<Result> =>
    space.holding({ instance_id, purpose: 'the disk', bytes: settings.use_cow_images ? 0 : bytes }, build);
  if (image.disk_format !== 'raw' && neededForm(settings) === 'raw')
    return holdDisk(await bytesInUse(await rawForm(image, command, parts)));
  return fetching(image, command, parts, () => holdDisk(image.size_bytes));
}

/** The raw form of an image that is something else: the one that is here, or one that is made with its space held. */
async function rawForm(image: ImageSource, command: Spawn, parts: HostParts): Promise<CachedImage> {
  const { host, images, space } = parts;
  const present = await images.rawForm(image.sha512, command);
  if (present !== null) return present;
  const original = await fetching(image, command, parts, () => images.ensure(image, 'as it is', command));
  const hold = {
    instance_id: command.instance_id,
    purpose: 'the raw form of the image',
    bytes: await dataBytes(original.path, host, command),
    shared_as: `${image.sha512}.raw`,
  };
  return space.holding(hold, () => images.ensure(image, 'raw', command));
}

/** Does a work that fetches the image if it is not here. */
async function fetching<Result>(
  { sha512, size_bytes }: ImageSource,
  { instance_id }: Spawn,
  { images, space }: HostParts,
  work: () => Promise<Result>,
): Promise<Result> {
  const bytes = (await images.has(sha512)) ? 0 : size_bytes;
  return space.holding({ instance_id, purpose: 'the image', bytes, shared_as: sha512 }, work);
}

/** What a copy of it takes: holes stay holes. */
async function bytesInUse({ path }: CachedImage): Promise<number> {
  const { blocks, size } = await stat(path);
  return Math.min(blocks * STAT_BLOCK_BYTES, size);
}
