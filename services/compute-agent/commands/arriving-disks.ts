import type { InstanceSpec } from '../../../shared/domain/instance-spec.ts';
import { isDroverError, type DroverError } from '../../../shared/errors/drover-error.ts';
import type { BackingFile, DiskDescription } from '../../../shared/messaging/commands.ts';
import { isInForm, type Conversion, type InstanceMark, type MarkedDisk } from '../folders/mark.ts';
import { reservedBytesOf } from '../folders/space-need.ts';
import { checkCachedFile } from '../images/arrived-disk.ts';
import { chainOf, travelName } from '../images/backing-chain.ts';
import { ensureBacking } from '../images/backing-image.ts';
import { volumeGroup, wantedFormat } from '../images/disk-format.ts';
import { wantedBytes } from '../images/root-disk.ts';
import { describeMending, findCached } from './cached-file.ts';
import type { AcceptedCommand, HostParts } from './definition.ts';

/** What a target makes of the disks that are to come. */

/**
 * Disks that this host wants in another form: of another format, or in a volume. One of a volume is as large as the
 * flavor wants it from the beginning.
 * @throws DroverError disk_storage_unsupported, volume_group_unset, volume_group_missing
 */
export async function conversionsOf(
  command: AcceptedCommand<'admit'>,
  { host, settings, volumes }: HostParts,
): Promise<readonly Conversion[]> {
  const { instance_id } = command;
  const { disks, spec } = command.arguments;
  const group = volumeGroup(settings, host);
  const conversions: Conversion[] = [];
  for (const { name, format: present, virtual_size_bytes } of disks) {
    const format = wantedFormat(settings.images_type, present, { host, instance: instance_id });
    if (group !== null) {
      const size_bytes = Math.max(virtual_size_bytes, wantedBytes(name, spec));
      const volume = await volumes.plan(group, instance_id, { name, size_bytes });
      conversions.push({ name, format, volume });
    } else if (format !== present) conversions.push({ name, format });
  }
  return conversions;
}

/**
 * A disk that `prepare` has converted already: an admit that comes late must not mark it as what it was, or its guest
 * would be given the one format's bytes as the other's.
 */
export function convertedIn(staged: InstanceMark | null, name: string): MarkedDisk | undefined {
  const wanted = staged?.conversions?.find((conversion) => conversion.name === name);
  return wanted && staged?.disks.find((disk) => isInForm(disk, wanted));
}

/** While a disk is converted both its forms are there; the new one has all that the old one stands on in it. */
export function convertedBytes(
  disks: readonly DiskDescription[],
  conversions: readonly Conversion[],
  headroom_percent: number,
): number {
  let bytes = 0;
  for (const { name, format, volume } of conversions) {
    const disk = disks.find((candidate) => candidate.name === name);
    // A volume takes its room from its group.
    if (disk === undefined || volume !== undefined) continue;
    const { virtual_size_bytes } = disk;
    const allocated_bytes = flatBytes(disk);
    const flat = { ...disk, format, file_size_bytes: virtual_size_bytes, allocated_bytes, backing: null };
    bytes += reservedBytesOf(flat, headroom_percent);
  }
  return bytes;
}

/** In use of the guest's view of a disk, with all that it stands on. */
export function flatBytes({ allocated_bytes, backing, virtual_size_bytes }: DiskDescription): number {
  const below = chainOf(backing).map((file) => file.allocated_bytes ?? file.size_bytes);
  return Math.min(
    below.reduce((sum, one) => sum + one, allocated_bytes),
    virtual_size_bytes,
  );
}

/**
 * Sees that what the disks stand on is here: unchanged, or fetched from the image service.
 * @returns `missing`: what neither has, as disks that the source is to send first; `mended`: of damaged files of the
 * cache that are had anew, for people
 * @throws DroverError backing_image_changed, disk_format_unknown, host_disk_full
 */
export async function missingFiles(
  command: AcceptedCommand<'admit'>,
  parts: HostParts,
): Promise<{ readonly missing: readonly DiskDescription[]; readonly mended: readonly string[] }> {
  const { disks, spec } = command.arguments;
  const damages: DroverError[] = [];
  const missing = new Map<string, DiskDescription>();
  for (const { backing } of disks) {
    const chain = chainOf(backing);
    for (const [place, file] of [...chain.entries()].reverse()) {
      const cached = await findCached(file.sha512, command, parts);
      if (cached.damage !== null) damages.push(cached.damage);
      if (!cached.is_here && (place < chain.length - 1 || !(await isFetched(file, spec, command, parts)))) {
        missing.set(file.sha512, asDisk(file));
        continue;
      }
      await checkCachedFile(parts.images.path(file.sha512), file, chain[place + 1] ?? null, parts.host);
    }
  }
  const mended = await Promise.all(damages.map((damage) => describeMending(damage, parts)));
  return { missing: [...missing.values()], mended };
}

/** Only what stands alone can be an image. Whatever keeps the service from giving it, the source has it. */
async function isFetched(
  file: BackingFile,
  spec: InstanceSpec,
  command: AcceptedCommand<'admit'>,
  parts: HostParts,
): Promise<boolean> {
  const { instance_id } = command;
  const { sha512, size_bytes } = file;
  // One in raw form is made from the original, which is fetched and stays beside it.
  const { image } = spec;
  const is_made = image !== null && image.sha512 !== sha512;
  const original_bytes = is_made && !(await parts.images.has(image.sha512)) ? image.size_bytes : 0;
  const bytes = size_bytes + original_bytes;
  const hold = { instance_id, purpose: 'the backing image', bytes, shared_as: sha512 };
  try {
    await parts.space.holding(hold, () => ensureBacking(parts.images, file, spec.image, command));
    return true;
  } catch (error) {
    command.signal.throwIfAborted();
    if (passable.some((code) => isDroverError(error, code))) return false;
    throw error;
  }
}

const passable = [
  'backing_image_mismatch',
  'image_unreachable',
  'image_refused',
  'image_digest_mismatch',
] as const;

/** Its bytes are what counts, whatever format they are: a file that does not grow. */
const asDisk = (file: BackingFile): DiskDescription => ({
  name: travelName(file),
  format: 'raw',
  virtual_size_bytes: file.size_bytes,
  file_size_bytes: file.size_bytes,
  allocated_bytes: file.allocated_bytes ?? file.size_bytes,
  backing: null,
});
