import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkArrivedDisk } from '../../../services/compute-agent/images/arrived-disk.ts';
import type { MarkedDisk } from '../../../services/compute-agent/folders/mark.ts';
import { HOST } from './samples.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'drover-arrived-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Header {
  readonly version?: number;
  readonly incompatible_features?: bigint;
  readonly backing_file?: string;
  readonly extensions?: ReadonlyArray<readonly [type: number, data: string]>;
}

const BACKING_FORMAT = 0xe2792aca;
const DATA_FILE = 0x44415441;

/** The first cluster of a qcow2 file. */
function qcow2(header: Header): Buffer {
  const cluster = Buffer.alloc(65_536);
  const version = header.version ?? 3;
  cluster.writeUInt32BE(0x514649fb, 0);
  cluster.writeUInt32BE(version, 4);
  cluster.writeUInt32BE(16, 20);
  cluster.writeBigUInt64BE(1n << 20n, 24);
  cluster.writeBigUInt64BE(header.incompatible_features ?? 0n, 72);
  if (version === 3) cluster.writeUInt32BE(104, 100);
  else cluster.fill(0, 72, 104);
  let at = version === 3 ? 104 : 72;
  for (const [type, data] of header.extensions ?? []) {
    cluster.writeUInt32BE(type, at);
    cluster.writeUInt32BE(data.length, at + 4);
    cluster.write(data, at + 8, 'latin1');
    at += 8 + Math.ceil(data.length / 8) * 8;
  }
  const { backing_file } = header;
  if (backing_file !== undefined) {
    cluster.writeBigUInt64BE(BigInt(at + 8), 8);
    cluster.writeUInt32BE(backing_file.length, 16);
    cluster.write(backing_file, at + 8, 'latin1');
  }
  return cluster;
}

const whole: MarkedDisk = { name: 'disk', format: 'qcow2', backing: null };
const overlay: MarkedDisk = {
  name: 'disk',
  format: 'qcow2',
  backing: { image_id: 'i', sha512: 'a'.repeat(128), format: 'raw', size_bytes: 1 },
};
const admitted: Header = { backing_file: '../_base/aaaa', extensions: [[BACKING_FORMAT, 'raw']] };

function check(content: Buffer, disk: MarkedDisk): Promise<void> {
  const path = join(folder, 'disk');
  writeFileSync(path, content);
  return checkArrivedDisk(path, disk, HOST);
}

describe('a disk from another host', () => {
  test.each<[string, Header, MarkedDisk]>([
    ['without a backing file', {}, whole],
    ['of the old version', { version: 2 }, whole],
    ['on its image', admitted, overlay],
    ['on its image, of the old version', { ...admitted, version: 2 }, overlay],
  ])('%s is taken', async (_, header, disk) => {
    await check(qcow2(header), disk);
  });

  test('that is raw is not looked at: whatever its guest has written there is content', async () => {
    await check(qcow2({ backing_file: '/etc/shadow' }), { ...whole, format: 'raw' });
  });

  test.each<[string, Header, MarkedDisk]>([
    ['a backing file that nobody admitted', { backing_file: '/etc/shadow' }, whole],
    ['a backing format without a backing file', { extensions: [[BACKING_FORMAT, 'raw']] }, whole],
    ['no backing file where one was admitted', { extensions: admitted.extensions! }, overlay],
    ['a raw image read as qcow2', { ...admitted, extensions: [[BACKING_FORMAT, 'qcow2']] }, overlay],
    [
      'a second format behind the right one',
      { ...admitted, extensions: [...admitted.extensions!, [BACKING_FORMAT, 'qcow2']] },
      overlay,
    ],
    ['a backing file of any format', { ...admitted, extensions: [] }, overlay],
    ['an external data file', { incompatible_features: 4n }, whole],
    ['the name of an external data file', { extensions: [[DATA_FILE, '/dev/sda']] }, whole],
    ['an external data file beside its image', { ...admitted, incompatible_features: 4n }, overlay],
    ['an unknown version', { version: 4 }, whole],
  ])('with %s is refused', async (_, header, disk) => {
    await expect(check(qcow2(header), disk)).rejects.toMatchObject({ code: 'disk_format_unknown' });
  });

  test('that is no qcow2 is refused', async () => {
    await expect(check(Buffer.alloc(512), whole)).rejects.toMatchObject({ code: 'disk_format_unknown' });
  });
});
