import {
  closeSync,
  existsSync,
  lstatSync,
  openSync,
  readFileSync,
  readdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { tmpdir } from 'node:os';
import type { MarkedDisk } from '../../../services/compute-agent/folders/mark.ts';
import type { InstanceSpec } from '../../../shared/domain/instance-spec.ts';
import { createOverlay, expectSameView, flipBit, qemuImg, writePattern } from './disk-images.ts';
import { Move, openHosts, placeGuest, type DiskPair } from './disk-pair.ts';
import { TestHost } from './test-host.ts';
import { loopSuffix, missingLoopDevices, VolumeGroups } from './support/volume-groups.ts';

const MEBIBYTE = 1024 ** 2;
const GROUP = 'instances';

let groups: VolumeGroups;
let pair: DiskPair;
let closePair: () => Promise<void> = () => Promise.resolve();
beforeEach(() => {
  groups = new VolumeGroups(mkdtempSync(join(tmpdir(), 'drover-volumes-')));
  groups.add(GROUP, 64 * MEBIBYTE);
});
afterEach(async () => {
  try {
    await closePair();
  } finally {
    groups.close();
  }
});

const inVolumes = (host: string, group = GROUP) => ({
  settings: { images_type: 'lvm', images_volume_group: group, use_cow_images: true } as const,
  volumes: groups.of(host),
});
async function open(...hosts: Parameters<typeof openHosts>): Promise<void> {
  pair = await openHosts(...hosts);
  closePair = async () => {
    closePair = () => Promise.resolve();
    await pair.close();
  };
}
const toVolumes = () => open({}, inVolumes('target'));

/** Raw, with data at both ends, and no multiple of an extent. */
const rawDisk = (folder: string): readonly MarkedDisk[] => {
  const disk = join(folder, 'disk');
  writeFileSync(disk, Buffer.alloc(MEBIBYTE, 'begin'));
  truncateSync(disk, 17 * MEBIBYTE);
  writeFileSync(disk, Buffer.alloc(4096, 'end'), { flag: 'a' });
  return [{ name: 'disk', format: 'raw', backing: null }];
};
const RAW_BYTES = 17 * MEBIBYTE + 4096;

/** An overlay on a base that lies elsewhere. */
const chainedDisk = (folder: string): readonly MarkedDisk[] => {
  const base = join(pair.root, 'base.img');
  writeFileSync(base, Buffer.alloc(2 * MEBIBYTE, 'base'));
  const disk = join(folder, 'disk');
  createOverlay(disk, base, 'raw', '16M');
  writePattern(disk, '0x44', '1M');
  return [{ name: 'disk', format: 'qcow2', backing: null }];
};

const volumeName = ({ id }: InstanceSpec) => `${id}_disk`;
const there = (spec: InstanceSpec, ...names: readonly string[]) =>
  join(pair.target.instances_path, spec.id, ...names);
const staged = (spec: InstanceSpec, name: string) =>
  join(pair.target.instances_path, `${spec.id}.staging`, name);

/** What a guest sees of it. Beyond its end a disk that has grown has zeros. */
function viewOf(path: string, format: 'raw' | 'qcow2'): string {
  const view = join(pair.root, 'view');
  qemuImg('convert', '-f', format, '-O', 'raw', path, view);
  return view;
}

describe.skipIf(missingLoopDevices !== null)(`a target with logical volumes${loopSuffix}`, () => {
  test.each([
    ['raw', rawDisk, 'raw', 20],
    ['a qcow2 with a chain', chainedDisk, 'qcow2', 16],
  ] as const)(
    '%s becomes a volume, moves on to a host with files, and leaves nothing',
    async (_, make, format, mebibytes) => {
      await toVolumes();
      const spec = await placeGuest(pair.source, make);
      const expected = viewOf(join(pair.source.instances_path, spec.id, 'disk'), format);
      const move = new Move(pair.source, pair.target, spec);
      await move.copy();
      await move.prepare();
      // A lost answer: it is asked again.
      await move.prepare();
      await move.finish();
      expect(lstatSync(there(spec, 'disk')).isSymbolicLink()).toBe(true);
      expect(statSync(there(spec, 'disk')).isBlockDevice()).toBe(true);
      expect(readdirSync(there(spec)).sort()).toEqual(['disk', 'drover.json']);
      expect(groups.volumes(GROUP)).toEqual([volumeName(spec)]);
      // Of its whole length: what the volume's extents held before is gone.
      expectSameView(there(spec, 'disk'), expected);
      await move.here.run('discard_source', {}, 2);

      const onward = new Move(pair.target, pair.source, spec, 2);
      await onward.run();
      expect(onward.surveyed.disks).toMatchObject([
        { format: 'raw', virtual_size_bytes: mebibytes * MEBIBYTE, backing: null },
      ]);
      expectSameView(join(pair.source.instances_path, spec.id, 'disk'), expected);
      const discarded = await onward.here.run('discard_source', {}, 3);
      expect(discarded.summary).toBe("the source's copy was removed");
      expect(groups.volumes(GROUP)).toEqual([]);
      expect(pair.target.folders()).toEqual([]);
    },
  );

  test('a revert removes the volume when the source has its guest again', async () => {
    await toVolumes();
    const spec = await placeGuest(pair.source, rawDisk);
    const expected = viewOf(join(pair.source.instances_path, spec.id, 'disk'), 'raw');
    const move = new Move(pair.source, pair.target, spec);
    await move.run();
    await move.there.run('withdraw', { shutdown_timeout_seconds: 0 }, 3);
    await move.there.run('unwithdraw', { spec, power_on: true }, 3);
    expectSameView(there(spec, 'disk'), expected);
    await move.there.run('withdraw', { shutdown_timeout_seconds: 0 }, 3);
    await move.here.run('restore', { spec, power_on: true }, 3);
    expect(groups.volumes(GROUP)).toEqual([volumeName(spec)]);
    await move.there.run('discard_target', {}, 3);
    await move.there.run('discard_target', {}, 3);
    expect(groups.volumes(GROUP)).toEqual([]);
    const back = join(pair.source.instances_path, spec.id, 'disk');
    expect(statSync(back).size).toBe(RAW_BYTES);
    expectSameView(back, expected);
  });

  test('from volumes to volumes, each host in its group', async () => {
    groups.add('others', 64 * MEBIBYTE);
    await open(inVolumes('source', 'others'), inVolumes('target'));
    const spec = await placeGuest(pair.target, rawDisk);
    const expected = viewOf(there(spec, 'disk'), 'raw');
    const first = new Move(pair.target, pair.source, spec);
    await first.run();
    await first.here.run('discard_source', {}, 2);
    const second = new Move(pair.source, pair.target, spec, 2);
    await second.run();
    expect([groups.volumes('others'), groups.volumes(GROUP)]).toEqual([
      [volumeName(spec)],
      [volumeName(spec)],
    ]);
    expectSameView(there(spec, 'disk'), expected);
    await second.here.run('discard_source', {}, 3);
    expect([groups.volumes('others'), groups.volumes(GROUP)]).toEqual([[], [volumeName(spec)]]);
  });

  test('a group without room refuses before anything is made, also what is only promised', async () => {
    await toVolumes();
    const specs = await Promise.all([1, 2, 3, 4].map(() => placeGuest(pair.source, rawDisk)));
    const moves = specs.map((spec) => new Move(pair.source, pair.target, spec));
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
    expect(pair.target.folders()).toHaveLength(3);
    expect(groups.volumes(GROUP)).toEqual([]);
    await Promise.all(moves.map((move) => move.there.run('unadmit', {}, 1)));
  });
});

describe.skipIf(missingLoopDevices !== null)(`volumes, damage and crashes${loopSuffix}`, () => {
  async function arrived() {
    await toVolumes();
    const spec = await placeGuest(pair.source, rawDisk);
    const expected = viewOf(join(pair.source.instances_path, spec.id, 'disk'), 'raw');
    const move = new Move(pair.source, pair.target, spec);
    await move.copy();
    return { spec, move, expected };
  }

  /** As a crash would leave it: a volume that is written, and not yet compared. */
  async function writtenByHand(spec: InstanceSpec): Promise<string> {
    const volume = { group: GROUP, name: volumeName(spec), size_bytes: 20 * MEBIBYTE };
    const volumes = groups.of('target');
    await volumes.create(volume, 'drover.target');
    const [made] = await volumes.list(GROUP);
    if (made === undefined) throw new Error('it is not there');
    truncateSync(staged(spec, 'disk'), volume.size_bytes);
    qemuImg('convert', '-n', '-f', 'raw', '-O', 'raw', staged(spec, 'disk'), made.path);
    symlinkSync(made.path, staged(spec, '.disk.converted'));
    return made.path;
  }

  test('a flipped bit in the volume is found, and the next try makes it anew', async () => {
    const { spec, move, expected } = await arrived();
    flipBit(await writtenByHand(spec), 100_000);
    expect(await move.there.answer('prepare', {}, 1)).toMatchObject({
      code: 'mover_digest_mismatch',
      message: expect.stringContaining('mismatch at offset') as unknown,
    });
    expect(existsSync(staged(spec, '.disk.converted'))).toBe(false);
    await move.prepare();
    await move.finish();
    expectSameView(there(spec, 'disk'), expected);
  });

  test('a volume of a try that died before it was written is made anew', async () => {
    const { spec, move, expected } = await arrived();
    const volume = { group: GROUP, name: volumeName(spec), size_bytes: 4 * MEBIBYTE };
    await groups.of('target').create(volume, 'drover.target');
    await pair.target.restart();
    await move.prepare();
    // An admit that comes late does not undo what the mark says.
    await move.there.run('admit', move.admission(), 1);
    await move.finish();
    expectSameView(there(spec, 'disk'), expected);
    expect(groups.volumes(GROUP)).toEqual([volumeName(spec)]);
  });

  test('a crash after the mark says volume, before the link has its place', async () => {
    const { spec, move, expected } = await arrived();
    await writtenByHand(spec);
    const path = staged(spec, 'drover.json');
    const mark = JSON.parse(readFileSync(path, 'utf8')) as { conversions: { volume: unknown }[] };
    const disk = { name: 'disk', format: 'raw', backing: null, volume: mark.conversions[0]?.volume };
    writeFileSync(path, JSON.stringify({ ...mark, disks: [disk] }));
    await move.prepare();
    await move.finish();
    expect(lstatSync(there(spec, 'disk')).isSymbolicLink()).toBe(true);
    expectSameView(there(spec, 'disk'), expected);
  });

  test("another host's volume in the same group is not touched", async () => {
    const { spec, move } = await arrived();
    const volume = { group: GROUP, name: volumeName(spec), size_bytes: 4 * MEBIBYTE };
    await groups.of('target').create(volume, 'drover.source');
    expect(await move.there.answer('prepare', {}, 1)).toMatchObject({
      code: 'volume_not_ours',
      retriable: false,
      message: expect.stringContaining('its tags are "drover.source"') as unknown,
    });
    await move.there.run('unadmit', {}, 1);
    expect([groups.volumes(GROUP), pair.target.folders()]).toEqual([[volumeName(spec)], []]);
    // And from now on before anything is copied.
    const again = new Move(pair.source, pair.target, spec);
    await again.survey();
    expect(await again.there.answer('admit', again.admission(), 1)).toMatchObject({
      code: 'volume_not_ours',
    });
  });

  test('a volume that is in use stays, with what knows of it, until it can go', async () => {
    const { spec, move } = await arrived();
    await move.prepare();
    const busy = openSync(realpathSync(staged(spec, 'disk')), 'r');
    expect(await move.there.answer('unadmit', {}, 1)).toMatchObject({
      code: 'disk_tool_failed',
      retriable: true,
      message: expect.stringContaining('in use') as unknown,
    });
    await pair.target.restart();
    expect(groups.volumes(GROUP)).toEqual([volumeName(spec)]);
    closeSync(busy);
    await move.there.run('unadmit', {}, 1);
    expect([groups.volumes(GROUP), pair.target.folders()]).toEqual([[], []]);
  });

  test('a crash between the name of a folder and its volume ends at the next start; nothing else goes', async () => {
    const { spec, move } = await arrived();
    await move.prepare();
    const nobodys = { group: GROUP, name: `${spec.id}_other`, size_bytes: 4 * MEBIBYTE };
    await groups.of('target').create(nobodys, 'drover.target');
    const { instances_path } = pair.target;
    const passing = `.${spec.id}.removing.0123456789ab`;
    renameSync(join(instances_path, `${spec.id}.staging`), join(instances_path, passing));
    await pair.target.restart();
    expect([groups.volumes(GROUP), pair.target.folders()]).toEqual([[nobodys.name], []]);
  });
});

describe.skipIf(missingLoopDevices !== null)(`the agent of a host with volumes${loopSuffix}`, () => {
  test('builds new guests in volumes, reports its group, and removes them with their guests', async () => {
    await toVolumes();
    const spec = await placeGuest(pair.source, rawDisk);
    const guest = pair.target.operation({ instance_id: spec.id, migration_id: null });
    await guest.run('spawn', { spec }, 1);
    expect(statSync(there(spec, 'disk')).isBlockDevice()).toBe(true);
    // Empty, whatever its extents held.
    expect(readFileSync(there(spec, 'disk')).every((byte) => byte === 0)).toBe(true);
    writeFileSync(realpathSync(there(spec, 'disk')), 'mine', { flag: 'r+' });
    expect((await guest.run('spawn', { spec }, 1)).summary).toBe('the guest was there already');
    expect(readFileSync(there(spec, 'disk')).subarray(0, 4).toString()).toBe('mine');
    await pair.target.restart();
    // Sent when the agent starts, which does not wait for it.
    await vi.waitFor(
      () => {
        const reports = pair.target.events.filter((event) => event.type === 'host_reported');
        expect(reports.at(-1)?.report).toMatchObject({
          boot_id: pair.target.agent.boot_id,
          inventory: { local_gb: 0, disk_available_bytes: 60 * MEBIBYTE },
        });
      },
      { timeout: 10_000 },
    );
    await guest.run('destroy', {}, 1);
    expect(groups.volumes(GROUP)).toEqual([]);
  });
});

test.each([
  ['volume_group_unset', null],
  ['volume_group_missing', 'nowhere'],
] as const)('an agent does not start: %s', async (code, images_volume_group) => {
  const folder = mkdtempSync(join(tmpdir(), 'drover-volumes-'));
  const settings = { images_type: 'lvm', images_volume_group } as const;
  const opened = TestHost.open({ folder, name: 'host', settings, volumes: groups.of('host') });
  await expect(opened).rejects.toMatchObject({ code });
  rmSync(folder, { recursive: true });
});
