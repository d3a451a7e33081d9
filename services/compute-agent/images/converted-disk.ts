import { access, lstat, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { HostName } from '../../../shared/domain/ids.ts';
import type { DiskFormat } from '../../../shared/domain/instance-spec.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import { renameDurably, syncFile } from '../folders/durable.ts';
import { compareDisks, convertDisk } from './qemu-img.ts';
import { sayingAtWork, type Asker } from './shared-work.ts';

/**
 * A disk that has arrived and is wanted in another format. It is converted here, after it was verified as it is, and not
 * on its way: what travels and is journalled, sent again after a break and compared by digest are the source's own
 * bytes, whatever the target wants. What the digests have proved of the arrived file, `qemu-img compare` then carries
 * over to the converted one: it reads both again, from the disk, as the guest would see them, so that a bit that was
 * flipped in either is found. The price is room for both and the time to write one of them while the guest is off.
 * (Sending the guest's view instead, by NBD, would save that time. It would also make what is compared depend on two
 * more processes and on what they think of the source's file while its guest is still writing to it.)
 *
 *     disk (arrived)  ─►  .disk.converting  ─ flushed ─►  .disk.converted  ─ compared, mark says the new format ─►  disk
 *
 * For one that is wanted in a logical volume the three names on the right are links to its device, and the first comes
 * when the volume is written and flushed.
 */
export interface ConvertedDisk {
  readonly folder: string;
  readonly name: string;
  readonly from: DiskFormat;
  readonly to: DiskFormat;
  readonly host: HostName;
  /** Makes the block device that it is to lie in; its content may be anything. @returns its path */
  readonly makeDevice?: () => Promise<string>;
}

const converted = ({ folder, name }: Pick<ConvertedDisk, 'folder' | 'name'>) =>
  join(folder, `.${name}.converted`);

/**
 * Makes the converted file beside the arrived one; one that is there already is only compared.
 * @throws DroverError mover_digest_mismatch (the converted file is then gone), disk_tool_failed
 */
export async function makeConverted(disk: ConvertedDisk, asker: Asker): Promise<void> {
  const { folder, name, from, to, host, makeDevice } = disk;
  const arrived = join(folder, name);
  const finished = converted(disk);
  // A link whose device is away is no disk that can be compared: the volume is made anew.
  if (!(await isReachable(finished))) {
    const draft = join(folder, `.${name}.converting`);
    await rm(draft, { force: true });
    const forms = { source: arrived, source_format: from, target_format: to, host, asker };
    if (makeDevice === undefined) {
      await convertDisk({ ...forms, target: draft });
      // Gigabytes may still have to be written.
      await sayingAtWork(asker, syncFile(draft));
    } else {
      const device = await makeDevice();
      await convertDisk({ ...forms, target: device, is_device: true });
      await sayingAtWork(asker, syncFile(device));
      await symlink(device, draft);
    }
    await rename(draft, finished);
  }
  const one = { path: arrived, format: from };
  const difference = await compareDisks({ one, other: { path: finished, format: to }, host, asker });
  if (difference === null) return;
  await rm(finished, { force: true });
  const reason = `converted from ${from} to ${to} on ${host}, it has another content: ${difference}`;
  throw new DroverError('mover_digest_mismatch', { disk: name, reason });
}

/**
 * Puts converted disks into their places, once the mark says what they are. Nothing happens when they are there. A link is
 * put there although its device may be away: what arrived must not stay in its place, for its bytes are of another format.
 */
export async function placeConverted(folder: string, names: readonly string[]): Promise<void> {
  for (const name of names)
    if (await isNamed(converted({ folder, name })))
      await renameDurably(converted({ folder, name }), join(folder, name));
}

const isReachable = (path: string) => succeeds(access(path));
/** Also true of a link to nowhere. */
const isNamed = (path: string) => succeeds(lstat(path));

async function succeeds(look: Promise<unknown>): Promise<boolean> {
  try {
    await look;
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
