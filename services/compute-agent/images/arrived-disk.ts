import { open } from 'node:fs/promises';
import type { HostName } from '../../../shared/domain/ids.ts';
import type { MarkedDisk } from '../folders/mark.ts';
import { qcow2Header, unknownFormat } from './describe-disk.ts';

/** What a qcow2 file says about other files. Layout: QEMU's docs/interop/qcow2.txt, "Header" and "Header extensions". */
interface References {
  readonly has_external_data_file: boolean;
  /** Of every extension that names one; a reader may believe any of them. */
  readonly backing_formats: readonly string[];
}

const HEADER_BYTES_V2 = 72;
const INCOMPATIBLE_FEATURES_AT = 72;
const HEADER_LENGTH_AT = 100;
const EXTERNAL_DATA_FILE = 1n << 2n;
const extensions = { end: 0, backing_format: 0xe2792aca, data_file: 0x44415441 } as const;

/**
 * A disk that has come from another host must refer to no file but the backing image that it was admitted with:
 * whatever its header names else would be opened here and shown to the guest. Called once the name of its backing
 * file is this host's own; the name's format must be the admitted one too, or a raw image whose content looks like a
 * qcow2 would be read as one, with a backing file of its guest's choice.
 * @throws DroverError disk_format_unknown
 */
export async function checkArrivedDisk(path: string, disk: MarkedDisk, host: HostName): Promise<void> {
  if (disk.format !== 'qcow2') return;
  const { version, cluster_size_bytes, backing_file } = await qcow2Header(path, host);
  const refuse = (reason: string) => unknownFormat(path, host, reason);
  if (version !== 2 && version !== 3) throw refuse(`its version ${version} is unknown`);
  if (disk.backing === null && backing_file !== null) throw refuse('it has a backing file');
  if (disk.backing !== null && backing_file === null) throw refuse('it has no backing file');
  const { has_external_data_file, backing_formats } = await readReferences(path, version, cluster_size_bytes);
  if (has_external_data_file) throw refuse('it has an external data file');
  const expected = disk.backing?.format;
  const is_expected = backing_formats.every((found) => found === expected);
  if (!is_expected || (expected !== undefined && backing_formats.length === 0))
    throw refuse(
      `the format of its backing file is "${backing_formats.join(', ')}", not "${expected ?? ''}"`,
    );
}

async function readReferences(path: string, version: 2 | 3, cluster_size_bytes: number): Promise<References> {
  const file = await open(path, 'r');
  let header: Buffer;
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(cluster_size_bytes), 0, cluster_size_bytes, 0);
    header = buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
  let at: number = HEADER_BYTES_V2;
  let has_external_data_file = false;
  if (version === 3 && header.length >= HEADER_LENGTH_AT + 4) {
    has_external_data_file = (header.readBigUInt64BE(INCOMPATIBLE_FEATURES_AT) & EXTERNAL_DATA_FILE) !== 0n;
    at = header.readUInt32BE(HEADER_LENGTH_AT);
  }
  const backing_formats: string[] = [];
  while (at + 8 <= header.length) {
    const type = header.readUInt32BE(at);
    const length = header.readUInt32BE(at + 4);
    if (type === extensions.end) break;
    if (type === extensions.data_file) has_external_data_file = true;
    if (type === extensions.backing_format)
      backing_formats.push(header.subarray(at + 8, at + 8 + length).toString('latin1'));
    at += 8 + Math.ceil(length / 8) * 8;
  }
  return { has_external_data_file, backing_formats };
}
