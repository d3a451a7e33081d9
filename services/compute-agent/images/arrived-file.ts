import type { BackingFile } from '../../../shared/messaging/commands.ts';
import { renameDurably, syncFile } from '../folders/durable.ts';
import { checkArrivedDisk } from './arrived-disk.ts';
import { backingChanged, type ChainReader } from './backing-chain.ts';
import { renameBackingFile } from './describe-disk.ts';
import { sayingAtWork, type Asker } from './shared-work.ts';

/** A file that has arrived beside the disks that stand on it. */
export interface ArrivedFile {
  readonly path: string;
  readonly file: BackingFile;
  /** What it stands on itself. */
  readonly below: BackingFile | null;
}

/**
 * Sees that it is what was promised, and changes nothing: its source's digest of what it read is not enough, for that may
 * have been read while somebody wrote, or wrongly.
 * @throws DroverError backing_image_changed
 */
export async function requireArrived(arrived: ArrivedFile, here: ChainReader, asker: Asker): Promise<void> {
  const { path, file, below } = arrived;
  // In its header stands its source's name for what it stands on.
  const found = await digestOrNone(here.digests.digest(path, below?.sha512 ?? null, asker));
  if (found !== file.sha512) throw await backingChanged({ file: path, expected: file.sha512, found }, here);
}

/**
 * Gives it its place in the cache, if it is what was promised.
 * @throws DroverError backing_image_changed, disk_format_unknown; the file is then left where it is
 */
export async function takeArrived(
  arrived: ArrivedFile,
  place: string,
  here: ChainReader,
  asker: Asker,
): Promise<void> {
  const { path, file, below } = arrived;
  if (file.format === 'qcow2') {
    if (below !== null) await renameBackingFile(path, below.sha512, here.host);
    await checkArrivedDisk(path, { format: 'qcow2', backing: below }, here.host);
  }
  const found = await here.digests.digest(path, null, asker);
  if (found !== file.sha512) throw await backingChanged({ file: path, expected: file.sha512, found }, here);
  await sayingAtWork(asker, syncFile(path));
  await renameDurably(path, place);
  await here.digests.remember(place, file.sha512);
}

/** In words where there is none: a file that is gone, or whose header is no overlay's any more, is not what it was either. */
export async function digestOrNone(reading: Promise<string>): Promise<string> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof RangeError) return `none, for ${error.message},`;
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'no file';
    throw error;
  }
}
