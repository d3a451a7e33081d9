import type { HostName } from '../../../shared/domain/ids.ts';
import type { BackingFile } from '../../../shared/messaging/commands.ts';
import type { MarkedDisk } from '../folders/mark.ts';
import { qcow2Header, unknownFormat } from './describe-disk.ts';

/**
 * A disk that has come from another host must refer to no file but the backing image that it was admitted with:
 * whatever its header names else would be opened here and shown to the guest. Called once the name of its backing
 * file is this host's own; the name's format must be the admitted one too, or a raw image whose content looks like a
 * qcow2 would be read as one, with a backing file of its guest's choice.
 * @throws DroverError disk_format_unknown
 */
export async function checkArrivedDisk(
  path: string,
  disk: Pick<MarkedDisk, 'format'> & {
    readonly backing: Pick<NonNullable<MarkedDisk['backing']>, 'format'> | null;
  },
  host: HostName,
): Promise<void> {
  if (disk.format !== 'qcow2') return;
  const header = await qcow2Header(path, host);
  const { version, backing_file, has_external_data_file, backing_formats } = header;
  const refuse = (reason: string) => unknownFormat(path, host, reason);
  if (version !== 2 && version !== 3) throw refuse(`its version ${version} is unknown`);
  if (disk.backing === null && backing_file !== null) throw refuse('it has a backing file');
  if (disk.backing !== null && backing_file === null) throw refuse('it has no backing file');
  if (has_external_data_file) throw refuse('it has an external data file');
  const expected = disk.backing?.format;
  const is_expected = backing_formats.every((found) => found === expected);
  if (!is_expected || (expected !== undefined && backing_formats.length === 0))
    throw refuse(
      `the format of its backing file is "${backing_formats.join(', ')}", not "${expected ?? ''}"`,
    );
}

/**
 * A file of the cache has its digest as its name, and its bytes do not say what they are: those that a guest wrote may
 * have come as raw, and look like a qcow2 that names any file of this host. What is to be opened as qcow2 must stand on
 * what was promised, and on nothing else.
 * @throws DroverError disk_format_unknown
 */
export async function checkCachedFile(
  path: string,
  { format }: Pick<BackingFile, 'format'>,
  below: Pick<BackingFile, 'sha512' | 'format'> | null,
  host: HostName,
): Promise<void> {
  if (format !== 'qcow2') return;
  await checkArrivedDisk(path, { format, backing: below }, host);
  const { backing_file } = await qcow2Header(path, host);
  if (backing_file !== (below?.sha512 ?? null))
    throw unknownFormat(path, host, `its backing file is "${backing_file}", not "${below?.sha512}"`);
}
