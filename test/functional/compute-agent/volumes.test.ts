import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { MarkedDisk } from '../../../services/compute-agent/folders/mark.ts';
import { sampleSpec } from '../../unit/compute-agent/samples.ts';
import { createOverlay, expectSameView, writePattern } from './disk-images.ts';
import { Move, placeGuest } from './disk-pair.ts';
import { bestKind, kindSuffix } from './support/volume-groups.ts';
import { GROUP, RAW_BYTES, rawDisk, VolumeHosts, volumeName } from './support/volume-hosts.ts';

const MEBIBYTE = 1024 ** 2;
const hosts = new VolumeHosts(bestKind);

/** An overlay on a base that lies elsewhere. */
const chainedDisk = (folder: string): readonly MarkedDisk[] => {
  const base = join(hosts.pair.root, 'base.img');
  writeFileSync(base, Buffer.alloc(2 * MEBIBYTE, 'base'));
  const disk = join(folder, 'disk');
  createOverlay(disk, base, 'raw', '16M');
  writePattern(disk, '0x44', '1M');
  return [{ name: 'disk', format: 'qcow2', backing: null }];
};

describe(`a target with logical volumes${kindSuffix}`, () => {
  test.each([
    ['raw', rawDisk, 'raw', 20],
    ['a qcow2 with a chain', chainedDisk, 'qcow2', 16],
  ] as const)(
    '%s becomes a volume, moves on to a host with files, and leaves nothing',
    async (_, make, format, mebibytes) => {
      await hosts.toVolumes();
      const spec = await placeGuest(hosts.pair.source, make);
      const expected = hosts.viewOf(hosts.source(spec, 'disk'), format);
      const move = new Move(hosts.pair.source, hosts.pair.target, spec);
      await move.copy();
      await move.prepare();
      // A lost answer: it is asked again.
      await move.prepare();
      await move.finish();
      expect(hosts.isVolume(hosts.home(spec, 'disk'))).toBe(true);
      expect(readdirSync(hosts.home(spec)).sort()).toEqual(['disk', 'drover.json']);
      expect(hosts.groups.volumes(GROUP)).toEqual([volumeName(spec)]);
      // Of its whole length: what the volume's extents held before is gone.
      expectSameView(hosts.home(spec, 'disk'), expected);
      await move.here.run('discard_source', {}, 2);

      const onward = new Move(hosts.pair.target, hosts.pair.source, spec, 2);
      await onward.run();
      expect(onward.surveyed.disks).toMatchObject([
        { format: 'raw', virtual_size_bytes: mebibytes * MEBIBYTE, backing: null },
      ]);
      expectSameView(hosts.source(spec, 'disk'), expected);
      const discarded = await onward.here.run('discard_source', {}, 3);
      expect(discarded.summary).toBe("the source's copy was removed");
      expect(hosts.groups.volumes(GROUP)).toEqual([]);
      expect(hosts.pair.target.folders()).toEqual([]);
    },
  );

  test('a revert removes the volume when the source has its guest again', async () => {
    await hosts.toVolumes();
    const spec = await placeGuest(hosts.pair.source, rawDisk);
    const expected = hosts.viewOf(hosts.source(spec, 'disk'));
    const move = new Move(hosts.pair.source, hosts.pair.target, spec);
    await move.run();
    await move.there.run('withdraw', { shutdown_timeout_seconds: 0 }, 3);
    await move.there.run('unwithdraw', { spec, power_on: true }, 3);
    expectSameView(hosts.home(spec, 'disk'), expected);
    await move.there.run('withdraw', { shutdown_timeout_seconds: 0 }, 3);
    await move.here.run('restore', { spec, power_on: true }, 3);
    expect(hosts.groups.volumes(GROUP)).toEqual([volumeName(spec)]);
    await move.there.run('discard_target', {}, 3);
    await move.there.run('discard_target', {}, 3);
    expect(hosts.groups.volumes(GROUP)).toEqual([]);
    const back = hosts.source(spec, 'disk');
    expect(statSync(back).size).toBe(RAW_BYTES);
    expectSameView(back, expected);
  });

  test('from volumes to volumes, each host in its group', async () => {
    await hosts.betweenVolumes();
    const spec = await placeGuest(hosts.pair.target, rawDisk);
    const expected = hosts.viewOf(hosts.home(spec, 'disk'), 'raw');
    const first = new Move(hosts.pair.target, hosts.pair.source, spec);
    await first.run();
    await first.here.run('discard_source', {}, 2);
    const second = new Move(hosts.pair.source, hosts.pair.target, spec, 2);
    await second.run();
    expect([hosts.groups.volumes('others'), hosts.groups.volumes(GROUP)]).toEqual([
      [volumeName(spec)],
      [volumeName(spec)],
    ]);
    expectSameView(hosts.home(spec, 'disk'), expected);
    await second.here.run('discard_source', {}, 3);
    expect([hosts.groups.volumes('others'), hosts.groups.volumes(GROUP)]).toEqual([[], [volumeName(spec)]]);
  });

  test('a guest that runs and writes into its volume moves warm into another', async () => {
    await hosts.betweenVolumes();
    const spec = sampleSpec();
    const move = new Move(hosts.pair.source, hosts.pair.target, spec);
    await hosts.pair.source.operation({ instance_id: spec.id, migration_id: null }).run('spawn', { spec }, 1);
    await move.admit();
    const disk = hosts.source(spec, 'disk');
    const knobs = { guest_write_bytes_per_second: MEBIBYTE };
    writeFileSync(join(hosts.pair.root, 'source', 'knobs.json'), JSON.stringify(knobs));
    const is_empty = () => readFileSync(disk).every((byte) => byte === 0);
    await expect.poll(is_empty, { timeout: 10_000 }).toBe(false);
    await move.here.run('precopy', { ...move.order(), downtime_budget_seconds: 3600 }, 1);
    await move.here.run('stop', { shutdown_timeout_seconds: 1 }, 1);
    const at_stop = readFileSync(disk);
    const copied = await move.here.run('copy', { ...move.order(), after_precopy: true }, 1);
    const found = await move.there.run('verify', { disks: move.transfer_disks }, 1);
    expect(found.result).toMatchObject({ digests: copied.result.digests, damaged_count: 0 });
    await move.prepare();
    await move.finish();
    expect(readFileSync(hosts.home(spec, 'disk')).equals(at_stop)).toBe(true);
    await move.here.run('discard_source', {}, 2);
    expect([hosts.groups.volumes('others'), hosts.groups.volumes(GROUP)]).toEqual([[], [volumeName(spec)]]);
  });

  test('a group without room refuses before anything is made, also what is only promised', async () => {
    await hosts.toVolumes();
    const specs = await Promise.all([1, 2, 3, 4].map(() => placeGuest(hosts.pair.source, rawDisk)));
    const moves = specs.map((spec) => new Move(hosts.pair.source, hosts.pair.target, spec));
    await Promise.all(moves.map((move) => move.survey()));
    const answers = await Promise.all(moves.map((move) => move.there.answer('admit', move.admission(), 1)));
    // 20 MiB each, of 64.
    const refused = answers.filter((answer) => answer?.type === 'step_failed');
    expect(refused).toMatchObject([
      {
        code: 'host_disk_full',
        message: expect.stringMatching(
          /the logical volumes \(volume group instances\).*20971520 bytes are needed; 67108864 are free, of which 62914560/,
        ) as unknown,
      },
    ]);
    expect(hosts.pair.target.folders()).toHaveLength(3);
    expect(hosts.groups.volumes(GROUP)).toEqual([]);
    await Promise.all(moves.map((move) => move.there.run('unadmit', {}, 1)));
  });
});
