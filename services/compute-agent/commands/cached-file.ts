import { DroverError, isDroverError } from '../../../shared/errors/drover-error.ts';
import { seenNow, type DamagedFile } from '../images/cache-files.ts';
import { filesByUser } from '../images/cache-users.ts';
import type { AcceptedCommand, HostParts } from './definition.ts';

type Command = AcceptedCommand<'admit'> | AcceptedCommand<'prepare'>;

/** What the cache has of a digest. `damage`: it had a file that was not what its name says, and has it no more. */
interface Cached {
  readonly is_here: boolean;
  readonly damage: DroverError | null;
}

/**
 * Looks for a file of the cache, and has one that is damaged make room for a good copy, if nothing but the migration that
 * asks stands on it. Beneath other guests it stays as it is, and the host is none for this guest: a guest that runs
 * has it open, one that is off may have been written to since it was damaged, and what is to become of either is not for us to
 * decide. Nor is there another place for the good copy: overlays name their file by its digest.
 * @throws DroverError backing_image_changed when something else stands on it, or that is not known
 */
export async function findCached(sha512: string, command: Command, parts: HostParts): Promise<Cached> {
  const { images } = parts;
  const first = await inspect(images, sha512, command);
  if (first === 'none' || first === 'good') return { is_here: first === 'good', damage: null };
  const users = await usersOf(sha512, command, parts);
  if (users !== '') throw becauseOf(first.error, `${users}, so it is not replaced`);
  // Once more: another guest's migration may have had it replaced while the users were looked for.
  const found = await inspect(images, sha512, command);
  if (found === 'none' || found === 'good') return { is_here: found === 'good', damage: null };
  if (await images.discard(sha512, found, command.instance_id))
    return { is_here: false, damage: found.error };
  // What came in its place while it was read may be a good one.
  if ((await inspect(images, sha512, command)) === 'good') return { is_here: true, damage: null };
  throw becauseOf(found.error, 'another guest was given it a short while ago, so it is not replaced');
}

/** What there is of a digest. @throws whatever keeps it from being read */
async function inspect(
  images: HostParts['images'],
  sha512: string,
  command: Command,
): Promise<'good' | 'none' | DamagedFile> {
  const path = images.path(sha512);
  // Before it is read: what is removed is what was read, or nothing.
  const seen = seenNow(path);
  if (seen === null) return 'none';
  try {
    await images.check(sha512, command);
    return 'good';
  } catch (error) {
    if (!isDroverError(error, 'backing_image_changed')) throw error;
    return seenNow(path) === null ? 'none' : { seen, error };
  }
}

/** For the record, once a good copy may have come: then it is known where the damage was. */
export async function describeMending(damage: DroverError, { images }: HostParts): Promise<string> {
  const { expected, found } = damage.values;
  const where = await images.reader.digests.describeDifference(String(expected), String(found));
  const { message } = new DroverError(damage.code, { ...damage.values, where });
  return `${message} Nothing else stands on it: it was removed`;
}

/** In words; empty when nothing else stands on it. */
async function usersOf(
  sha512: string,
  { instance_id }: Command,
  { folders, host }: HostParts,
): Promise<string> {
  const own = folders.folder(instance_id, 'staging');
  try {
    const users = [...(await filesByUser(folders.path, host))]
      .filter(([name, used]) => !own.endsWith(`/${name}`) && used.has(sha512))
      .map(([name]) => name);
    return users.length === 0 ? '' : `disks in ${users.join(', ')} stand on it, too`;
  } catch (error) {
    return `what else stands on it cannot be found out (${error instanceof Error ? error.message : String(error)})`;
  }
}

/** The same error, with what follows from it. */
export const becauseOf = (error: DroverError, consequence: string): DroverError =>
  new DroverError(error.code, { ...error.values, where: `${String(error.values['where'])}; ${consequence}` });
