import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, onTestFinished, test } from 'vitest';
import type { HostSettings } from '../../../services/compute-agent/commands/definition.ts';
import { qemuImg } from './disk-images.ts';
import { Move, openDiskPair, placeGuest, type DiskPair } from './disk-pair.ts';
import { loopSuffix as suffix, missingLoopDevices as missing } from './support/volume-groups.ts';

const MEBIBYTE = 1024 ** 2;
let pair: DiskPair;
afterEach(() => pair?.close());

/** A block device with a file behind it. */
function loopDevice(file: string): string {
  const device = execFileSync('losetup', ['--find', '--show', file], { encoding: 'utf8' }).trim();
  onTestFinished(() => void execFileSync('losetup', ['--detach', device]));
  return device;
}

async function guestOnDevice(settings: Partial<HostSettings>) {
  pair = await openDiskPair(settings);
  const file = join(pair.root, 'volume');
  writeFileSync(file, randomBytes(3 * MEBIBYTE));
  truncateSync(file, 24 * MEBIBYTE);
  const device = loopDevice(file);
  const spec = await placeGuest(pair.source, (folder) => {
    symlinkSync(device, join(folder, 'disk'));
    return [{ name: 'disk', format: 'raw', backing: null }];
  });
  return { spec, device, move: new Move(pair.source, pair.target, spec) };
}

const name = 'a block device becomes a file of the target';

test.skipIf(missing !== null).each([
  ['as it is', 'default', 'raw'],
  ['in the format that it wants', 'qcow2', 'qcow2'],
] as const)(`${name}, %s${suffix}`, async (_, images_type, format) => {
  const { spec, device, move } = await guestOnDevice({ images_type });
  const before = readFileSync(device);
  await move.run();
  expect(move.surveyed.disks).toMatchObject([
    {
      format: 'raw',
      virtual_size_bytes: 24 * MEBIBYTE,
      file_size_bytes: 24 * MEBIBYTE,
      allocated_bytes: 24 * MEBIBYTE,
    },
  ]);
  const arrived = join(pair.target.instances_path, spec.id, 'disk');
  expect(statSync(arrived).isFile()).toBe(true);
  // Zeros of a device are holes of the file.
  expect(statSync(arrived).blocks * 512).toBeLessThan(4 * MEBIBYTE);
  qemuImg('compare', '-f', format, '-F', 'raw', arrived, device);
  // Confirm removes the name of the device here, never the device's content.
  const confirmed = await move.here.run('discard_source', {}, 2);
  expect(confirmed.summary).toContain(`${device} was left`);
  expect(readFileSync(device).equals(before)).toBe(true);
});

test.skipIf(missing !== null)(`a revert finds the device as it was${suffix}`, async () => {
  const { spec, device, move } = await guestOnDevice({});
  const before = readFileSync(device);
  await move.run();
  await move.there.run('withdraw', { shutdown_timeout_seconds: 0 }, 3);
  await move.here.run('restore', { spec, power_on: true }, 3);
  expect(statSync(join(pair.source.instances_path, spec.id, 'disk')).isBlockDevice()).toBe(true);
  expect(readFileSync(device).equals(before)).toBe(true);
});

test.skipIf(missing !== null)(
  `a read error of a device ends the copy, named, and nothing stays${suffix}`,
  async () => {
    const { move } = await guestOnDevice({});
    await move.admit();
    // What a loop device's file does not have any more it cannot read, as a disk cannot read a bad sector.
    truncateSync(join(pair.root, 'volume'), 2 * MEBIBYTE);
    expect(await move.here.answer('copy', move.order(), 1)).toMatchObject({
      code: 'mover_read_failed',
      message: expect.stringMatching(/Disk disk could not be read: EIO/) as unknown,
    });
    expect(pair.target.folders()).not.toEqual([]);
    await move.there.run('unadmit', {}, 1);
    expect(pair.target.folders()).toEqual([]);
  },
);
