import { copyFileSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { guestDataDigest, guestDiskDigest } from '../../../scripts/cluster/guest-disk.ts';
import { flipBit, qemuImg } from '../compute-agent/disk-images.ts';

const MEBIBYTE = 1024 ** 2;
let root: string;
let first: string;

/** The folder of a guest whose disk has data in its first MiB and nothing after it. */
function guest(name: string, change: (disk: string) => void = () => undefined): string {
  const folder = join(root, name);
  mkdirSync(folder);
  const disk = join(folder, 'disk');
  writeFileSync(disk, Buffer.alloc(MEBIBYTE, 'data'));
  truncateSync(disk, 8 * MEBIBYTE);
  change(disk);
  return folder;
}

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'drover-guest-disk-'));
  first = guest('first');
});
afterAll(() => rmSync(root, { recursive: true }));

test.each([
  ['guestDataDigest', guestDataDigest],
  ['guestDiskDigest', guestDiskDigest],
])('%s is the same in every format', async (name, digestOf) => {
  const other = guest(`qcow2 for ${name}`, (disk) => {
    copyFileSync(disk, `${disk}.raw`);
    qemuImg('convert', '-f', 'raw', '-O', 'qcow2', `${disk}.raw`, disk);
  });
  expect(await digestOf(other)).toBe(await digestOf(first));
});

test.each([
  ['a bit in the data', (disk: string) => flipBit(disk, 4096)],
  ['a bit where nothing was', (disk: string) => flipBit(disk, 8 * MEBIBYTE - 1)],
  ['the size', (disk: string) => truncateSync(disk, 9 * MEBIBYTE)],
  [
    'the place of the data',
    (disk: string) => {
      const moved = [Buffer.alloc(MEBIBYTE), Buffer.alloc(MEBIBYTE, 'data'), Buffer.alloc(6 * MEBIBYTE)];
      writeFileSync(disk, Buffer.concat(moved));
    },
  ],
] as const)('%s changes both digests', async (what, change) => {
  const other = guest(what, change);
  expect(await guestDataDigest(other)).not.toBe(await guestDataDigest(first));
  expect(await guestDiskDigest(other)).not.toBe(await guestDiskDigest(first));
});
