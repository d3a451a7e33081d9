import { createHash } from 'node:crypto';
import { realpath, stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import type { HostName } from '../../../shared/domain/ids.ts';
import type { DiskFormat } from '../../../shared/domain/instance-spec.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import type { BackingFile, BackingImage } from '../../../shared/messaging/commands.ts';
import { deviceSizeOf } from '../mover/disks/data-map.ts';
import { qcow2Header, STAT_BLOCK_BYTES, unknownFormat } from './describe-disk.ts';
import type { FileDigests } from './file-digests.ts';
import { SHA512 } from './cache-folder.ts';
import type { Asker } from './shared-work.ts';

/** A file that an overlay stands on, as it lies on this host. */
export interface ChainFile extends BackingFile {
  readonly path: string;
}

/** More than anybody's snapshots; QEMU itself gives up at about two hundred. */
const DEPTH_MAX = 64;
/** A name that QEMU would not take for a path: `json:`, `nbd:`, `driver:`. */
const PROTOCOL = /^[A-Za-z0-9+_-]+:/;

interface Link {
  readonly path: string;
  readonly format: DiskFormat;
  readonly size_bytes: number;
  readonly allocated_bytes: number;
  readonly file_id: string;
}

/**
 * The files that a qcow2 disk stands on, nearest first, with their digests; none for a disk that stands alone.
 *
 * A file's digest is that of its bytes with the name of its own backing file being that one's digest: so a digest
 * stands for everything below it, too, and the same chain has the same digests on every host, whatever its files are
 * called there. An image of Drover's own has such a name already, and its digest is simply that of its bytes.
 * @throws DroverError disk_format_unknown, backing_image_changed
 */
export async function readChain(
  overlay: string,
  digests: FileDigests,
  host: HostName,
  asker: Asker,
): Promise<readonly ChainFile[]> {
  const links = await readLinks(overlay, host);
  const files: ChainFile[] = [];
  for (const link of links.toReversed()) {
    const below = files[0];
    let sha512: string;
    try {
      sha512 = await digests.digest(link.path, below?.sha512 ?? null, asker);
    } catch (error) {
      if (error instanceof RangeError) throw unknownFormat(link.path, host, error.message);
      throw error;
    }
    await requirePromise(link.path, sha512, { host, digests });
    files.unshift({ ...link, sha512 });
  }
  return files;
}

/** A file of the cache promises its digest with its name, whatever folder the cache is linked to. @throws DroverError backing_image_changed */
export async function requirePromise(path: string, found: string, here: ChainReader): Promise<void> {
  const expected = basename(path);
  if (!SHA512.test(expected) || expected === found) return;
  throw await backingChanged({ file: path, expected, found }, here);
}

/** Of one host. */
export interface ChainReader {
  readonly host: HostName;
  readonly digests: FileDigests;
}

/**
 * A file is not what was agreed, with the extents in which it is not, where leaves of both its contents are known.
 * @param consequence what follows from it there, if anything does
 */
export async function backingChanged(
  change: { readonly file: string; readonly expected: string; readonly found: string },
  { host, digests }: ChainReader,
  consequence = '',
): Promise<DroverError> {
  const difference = await digests.describeDifference(change.expected, change.found);
  const where = consequence === '' ? difference : `${difference}; ${consequence}`;
  return new DroverError('backing_image_changed', { ...change, host, where });
}

/** The files that a qcow2 disk stands on, nearest first, without reading their content. @throws disk_format_unknown */
export async function readLinks(overlay: string, host: HostName): Promise<readonly Link[]> {
  const links: Link[] = [];
  let path = overlay;
  for (;;) {
    const { backing_file, backing_formats, has_external_data_file } = await qcow2Header(path, host);
    if (has_external_data_file) throw unknownFormat(path, host, 'it has an external data file');
    if (backing_file === null) return links;
    if (links.length >= DEPTH_MAX)
      throw unknownFormat(overlay, host, `it stands on more than ${DEPTH_MAX} files, or on itself`);
    const format = formatIn(path, backing_formats, host);
    const next = await placeOf(path, backing_file, host);
    links.push({ path: next, format, ...(await statusOf(path, next, host)) });
    if (format === 'raw') return links;
    path = next;
  }
}

function formatIn(path: string, formats: readonly string[], host: HostName): DiskFormat {
  const [format] = formats;
  if (formats.length === 1 && (format === 'raw' || format === 'qcow2')) return format;
  // Guessing would let a raw image whose guest wrote a qcow2 header into it name any file of this host.
  throw unknownFormat(
    path,
    host,
    `it says "${formats.join(', ')}" of the format of its backing file, not raw or qcow2; ` +
      'if you know it, write it with `qemu-img rebase -u -F FORMAT -b FILE`',
  );
}

async function placeOf(overlay: string, name: string, host: HostName): Promise<string> {
  if (PROTOCOL.test(name)) throw unknownFormat(overlay, host, `its backing file "${name}" is no path`);
  const path = resolve(dirname(await realpath(overlay)), name);
  try {
    return await realpath(path);
  } catch (error) {
    throw unknownFormat(overlay, host, `its backing file ${path} cannot be opened: ${String(error)}`);
  }
}

async function statusOf(
  overlay: string,
  path: string,
  host: HostName,
): Promise<Pick<Link, 'size_bytes' | 'allocated_bytes' | 'file_id'>> {
  const found = await stat(path);
  // To open a pipe may take for ever, and to open some devices (a watchdog) does something.
  if (!found.isFile() && !found.isBlockDevice())
    throw unknownFormat(overlay, host, `its backing file ${path} is neither a file nor a volume`);
  const size_bytes = found.isBlockDevice() ? await deviceSizeOf(found.rdev) : found.size;
  const allocated_bytes = found.isFile() ? Math.min(found.blocks * STAT_BLOCK_BYTES, size_bytes) : size_bytes;
  const { dev, ino, rdev } = found;
  // No path comes in a message: only whether it is the same one is of interest.
  const file_id = createHash('sha256').update([dev, ino, rdev, path].join('\n')).digest('hex');
  return { size_bytes, allocated_bytes, file_id };
}

/** How a chain travels in messages and marks: the nearest file, with those below it. */
export function describeChain(files: readonly ChainFile[], known: BackingImage | null): BackingImage | null {
  const [nearest, ...below] = files.map(({ sha512, format, size_bytes, allocated_bytes, file_id }) => ({
    sha512,
    format,
    size_bytes,
    ...(allocated_bytes === undefined ? {} : { allocated_bytes }),
    ...(file_id === undefined ? {} : { file_id }),
  }));
  if (nearest === undefined) return null;
  const image_id = known?.image_id ?? '';
  return below.length === 0 ? { image_id, ...nearest } : { image_id, ...nearest, below };
}

/** The files of a chain, nearest first. */
export const chainOf = (backing: BackingImage | null): readonly BackingFile[] =>
  backing === null ? [] : [backing, ...(backing.below ?? [])];

/**
 * True when these are the very files that were agreed, whatever is in them now. A guest that runs has those open: what lies
 * in their places since is not what it sees. An agent of an earlier version did not say which they were.
 */
export const areSameFiles = (now: readonly BackingFile[], agreed: readonly BackingFile[]): boolean =>
  now.length === agreed.length &&
  now.every(({ file_id, format }, place) => {
    const before = agreed[place];
    return file_id !== undefined && before?.file_id === file_id && before.format === format;
  });

/**
 * @param files that a disk stands on now
 * @throws DroverError backing_image_changed when others were agreed
 */
export async function requireAgreed(
  overlay: string,
  files: readonly ChainFile[],
  agreed: BackingImage | null,
  here: ChainReader,
): Promise<void> {
  // Lowest first: a change shows in the digests of all that stands on it.
  for (const [place, { sha512 }] of [...chainOf(agreed).entries()].reverse()) {
    const file = files[place];
    if (file?.sha512 === sha512) continue;
    const found = file?.sha512 ?? 'no file';
    throw await backingChanged({ file: file?.path ?? `below ${overlay}`, expected: sha512, found }, here);
  }
}

/** Name under which a file of a chain travels beside the disks that stand on it. */
export const travelName = ({
  sha512,
  travels_as = sha512,
}: Pick<BackingFile, 'sha512' | 'travels_as'>): string => `backing.${travels_as.slice(0, 40)}`;
export const TRAVELLING = /^backing\.[0-9a-f]{40}$/;
