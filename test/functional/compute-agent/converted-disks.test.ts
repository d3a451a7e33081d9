import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync, readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { HostSettings } from '../../../services/compute-agent/commands/definition.ts';
import type { ImagesType } from '../../../services/compute-agent/images/disk-format.ts';
import type { DiskDescription } from '../../../shared/messaging/commands.ts';
import type { MarkedDisk } from '../../../services/compute-agent/folders/mark.ts';
import { createOverlay, expectSameView, flipBit, qemuImg, writePattern } from './disk-images.ts';
import { Move, openDiskPair, placeGuest, type DiskPair } from './disk-pair.ts';

const MEBIBYTE = 1024 ** 2;

let pair: DiskPair;
afterEach(() => pair.close());

const open = async (settings: Partial<HostSettings>) => (pair = await openDiskPair(settings));

/** Raw, mostly holes, with data at both ends. */
const rawDisk = (folder: string): readonly MarkedDisk[] => {
  const disk = join(folder, 'disk');
  writeFileSync(disk, Buffer.alloc(MEBIBYTE, 'begin'));
  truncateSync(disk, 32 * MEBIBYTE - 4096);
  writeFileSync(disk, Buffer.alloc(4096, 'end'), { flag: 'a' });
  return [{ name: 'disk', format: 'raw', backing: null }];
};

/** An overlay on a base that lies elsewhere. */
const chainedDisk = (folder: string): readonly MarkedDisk[] => {
  const base = join(pair.root, 'base.img');
  writeFileSync(base, Buffer.alloc(2 * MEBIBYTE, 'base'));
  const disk = join(folder, 'disk');
  createOverlay(disk, base, 'raw', '16M');
  writePattern(disk, '0x44', '1M');
  return [{ name: 'disk', format: 'qcow2', backing: null }];
};

const formatOf = (path: string) =>
  JSON.parse(qemuImg('info', '--output=json', path)) as { format: string; 'backing-filename'?: string };

describe('a target that wants another format', () => {
  test.each([
    ['raw to qcow2', 'qcow2', rawDisk, 'qcow2'],
    ['a chain to raw', 'raw', chainedDisk, 'raw'],
    ['a chain to flat, as Nova calls it', 'flat', chainedDisk, 'raw'],
  ] as const)(
    '%s: the same view, nothing beneath it, and revert gives the source back its own',
    async (_, images_type, make, format) => {
      await open({ images_type });
      const spec = await placeGuest(pair.source, make);
      const expected = join(pair.root, 'expected');
      qemuImg('convert', '-O', 'raw', join(pair.source.instances_path, spec.id, 'disk'), expected);
      const move = new Move(pair.source, pair.target, spec);
      await move.copy();
      await move.prepare();
      // A lost answer: it is asked again.
      await move.prepare();
      await move.finish();
      const arrived = join(pair.target.instances_path, spec.id, 'disk');
      expect(formatOf(arrived)).toMatchObject({ format });
      expect(formatOf(arrived)).not.toHaveProperty('backing-filename');
      expectSameView(arrived, expected);
      expect(readdirSync(join(pair.target.instances_path, spec.id)).sort()).toEqual(['disk', 'drover.json']);
      const there = pair.target.operation({ instance_id: spec.id, migration_id: move.migration_id });
      const { disks } = (await there.run('survey', {}, 2)).result;
      expect(disks).toMatchObject([{ name: 'disk', format, backing: null }]);
      await move.there.run('withdraw', { shutdown_timeout_seconds: 0 }, 3);
      await move.here.run('restore', { spec, power_on: true }, 3);
      expectSameView(join(pair.source.instances_path, spec.id, 'disk'), expected);
      expect((await move.here.run('survey', {}, 3)).result.disks).toMatchObject([
        { format: move.surveyed.disks[0]?.format },
      ]);
    },
  );

  test('has room for both forms reserved', async () => {
    await open({ images_type: 'qcow2' });
    const spec = await placeGuest(pair.source, rawDisk);
    const move = new Move(pair.source, pair.target, spec);
    await move.admit();
    const mark = JSON.parse(
      readFileSync(join(pair.target.instances_path, `${spec.id}.staging`, 'drover.json'), 'utf8'),
    ) as { reserved_bytes: number };
    expect(mark.reserved_bytes).toBeGreaterThan(2 * 32 * MEBIBYTE);
  });

  test.each<[string, ImagesType, typeof rawDisk, (disk: DiskDescription) => number]>([
    // Once through qemu-img, written by it, and both read by its comparison.
    ['the conversion', 'qcow2', rawDisk, ({ allocated_bytes }) => 4 * allocated_bytes],
    // No conversion, but a base that comes from the source.
    ['what is taken into the cache', 'default', chainedDisk, () => 2 * MEBIBYTE],
  ])('%s is part of a predicted downtime', async (_, images_type, make, bytes) => {
    await open({ images_type });
    const spec = await placeGuest(pair.source, make);
    const move = new Move(pair.source, pair.target, spec);
    await move.here.run('power_on', {}, 1);
    await move.admit();
    const { prepare_bytes = 0 } = move.admitted;
    expect(prepare_bytes).toBe(bytes(move.surveyed.disks[0]!));
    const order = { ...move.order(), downtime_budget_seconds: 60, prepare_bytes };
    const { summary, result } = await move.here.run('precopy', order, 1);
    const { predicted_prepare_seconds = 0 } = result;
    expect(predicted_prepare_seconds).toBeGreaterThan(0);
    expect(result.predicted_downtime_seconds).toBeGreaterThan(predicted_prepare_seconds);
    expect(summary).toMatch(/ s of it while the target prepares what has arrived \(fits_budget\)/);
    await move.here.run('abort_copy', {}, 1);
  });

  test('sparse stays sparse', async () => {
    await open({ images_type: 'qcow2' });
    const spec = await placeGuest(pair.source, rawDisk);
    await new Move(pair.source, pair.target, spec).run();
    const used = execFileSync('du', ['-B1', join(pair.target.instances_path, spec.id, 'disk')], {
      encoding: 'utf8',
    });
    expect(Number.parseInt(used, 10)).toBeLessThan(3 * MEBIBYTE);
  });
});

describe('damage and crashes', () => {
  const staged = (id: string, name: string) => join(pair.target.instances_path, `${id}.staging`, name);

  async function arrived() {
    await open({ images_type: 'qcow2' });
    const spec = await placeGuest(pair.source, rawDisk);
    const move = new Move(pair.source, pair.target, spec);
    await move.copy();
    return { spec, move };
  }

  /** As a crash would leave it: converted, and not yet compared. */
  async function convertedByHand(id: string) {
    qemuImg('convert', '-f', 'raw', '-O', 'qcow2', staged(id, 'disk'), staged(id, '.disk.converted'));
  }

  test('a flipped bit in the converted file is found, and the next try makes it anew', async () => {
    const { spec, move } = await arrived();
    await convertedByHand(spec.id);
    const path = staged(spec.id, '.disk.converted');
    // Of the data: its words are there once.
    flipBit(path, readFileSync(path).indexOf('beginbegin') + 100_000);
    expect(await move.there.answer('prepare', {}, 1)).toMatchObject({
      type: 'step_failed',
      code: 'mover_digest_mismatch',
      message: expect.stringMatching(
        /Disk disk differs .* from raw to qcow2 on target.*mismatch at offset/,
      ) as unknown,
    });
    expect(existsSync(path)).toBe(false);
    await move.prepare();
    await move.finish();
    expectSameView(
      join(pair.target.instances_path, spec.id, 'disk'),
      join(pair.source.instances_path, `${spec.id}.migrated`, 'disk'),
    );
  });

  test('a flipped bit in the arrived file, after it was verified, is found', async () => {
    const { spec, move } = await arrived();
    await convertedByHand(spec.id);
    flipBit(staged(spec.id, 'disk'), 5000);
    expect(await move.there.answer('prepare', {}, 1)).toMatchObject({ code: 'mover_digest_mismatch' });
  });

  test('a crash after the mark says the new format, before the file has its place', async () => {
    const { spec, move } = await arrived();
    const original = join(pair.root, 'original');
    copyFileSync(staged(spec.id, 'disk'), original);
    await convertedByHand(spec.id);
    const path = staged(spec.id, 'drover.json');
    const mark = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
    writeFileSync(
      path,
      JSON.stringify({ ...mark, disks: [{ name: 'disk', format: 'qcow2', backing: null }] }),
    );
    await move.prepare();
    await move.finish();
    expectSameView(join(pair.target.instances_path, spec.id, 'disk'), original);
  });

  test('an admit that comes late, to an agent that was started since, does not undo what the mark says', async () => {
    const { spec, move } = await arrived();
    await move.prepare();
    await pair.target.restart();
    await move.there.run('admit', move.admission(), 1);
    await move.finish();
    const there = pair.target.operation({ instance_id: spec.id, migration_id: move.migration_id });
    expect((await there.run('survey', {}, 2)).result.disks).toMatchObject([
      { format: 'qcow2', virtual_size_bytes: 32 * MEBIBYTE },
    ]);
  });

  test('a half-written one is thrown away', async () => {
    const { spec, move } = await arrived();
    writeFileSync(staged(spec.id, '.disk.converting'), 'half');
    await move.prepare();
    await move.finish();
    expect(formatOf(join(pair.target.instances_path, spec.id, 'disk'))).toMatchObject({ format: 'qcow2' });
  });
});

test.each(['rbd', 'ploop'] as const)(
  'a host with %s says what it lacks, before anything is made',
  async (images_type) => {
    await open({ images_type });
    const spec = await placeGuest(pair.source, rawDisk);
    const move = new Move(pair.source, pair.target, spec);
    await move.survey();
    expect(await move.there.answer('admit', move.admission(), 1)).toMatchObject({
      code: 'disk_storage_unsupported',
      retriable: false,
      message: expect.stringMatching(new RegExp(`keeps its disks as ${images_type} .* Drover `)) as unknown,
    });
    expect(pair.target.folders()).toEqual([]);
  },
);
