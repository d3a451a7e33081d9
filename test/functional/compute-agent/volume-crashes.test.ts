import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { InstanceSpec } from '../../../shared/domain/instance-spec.ts';
import { expectSameView, flipBit, qemuImg } from './disk-images.ts';
import { Move, placeGuest } from './disk-pair.ts';
import { GROUP, isLink, rawDisk, VolumeHosts, volumeName } from './support/volume-hosts.ts';

const MEBIBYTE = 1024 ** 2;
// Of files: what is tested here needs no block device, and runs on every machine.
const hosts = new VolumeHosts('files');

describe('volumes, damage and crashes', () => {
  async function arrived() {
    await hosts.toVolumes();
    const spec = await placeGuest(hosts.pair.source, rawDisk);
    const expected = hosts.viewOf(hosts.source(spec, 'disk'));
    const move = new Move(hosts.pair.source, hosts.pair.target, spec);
    await move.copy();
    return { spec, move, expected };
  }

  /** As a crash would leave it: a volume that is written, and not yet compared. */
  async function writtenByHand(spec: InstanceSpec): Promise<string> {
    const volume = { group: GROUP, name: volumeName(spec), size_bytes: 20 * MEBIBYTE };
    const volumes = hosts.groups.of('target');
    await volumes.create(volume, 'drover.target');
    const [made] = await volumes.list(GROUP);
    if (made === undefined) throw new Error('it is not there');
    truncateSync(hosts.staged(spec, 'disk'), volume.size_bytes);
    qemuImg('convert', '-n', '-f', 'raw', '-O', 'raw', hosts.staged(spec, 'disk'), made.path);
    symlinkSync(made.path, hosts.staged(spec, '.disk.converted'));
    return made.path;
  }

  test('a flipped bit in the volume is found, and the next try makes it anew', async () => {
    const { spec, move, expected } = await arrived();
    flipBit(await writtenByHand(spec), 100_000);
    expect(await move.there.answer('prepare', {}, 1)).toMatchObject({
      code: 'mover_digest_mismatch',
      message: expect.stringContaining('mismatch at offset') as unknown,
    });
    expect(existsSync(hosts.staged(spec, '.disk.converted'))).toBe(false);
    await move.prepare();
    await move.finish();
    expectSameView(hosts.home(spec, 'disk'), expected);
  });

  test('a volume of a try that died before it was written is made anew', async () => {
    const { spec, move, expected } = await arrived();
    const volume = { group: GROUP, name: volumeName(spec), size_bytes: 4 * MEBIBYTE };
    await hosts.groups.of('target').create(volume, 'drover.target');
    await hosts.pair.target.restart();
    await move.prepare();
    // An admit that comes late does not undo what the mark says.
    await move.there.run('admit', move.admission(), 1);
    await move.finish();
    expectSameView(hosts.home(spec, 'disk'), expected);
    expect(hosts.groups.volumes(GROUP)).toEqual([volumeName(spec)]);
  });

  /** As a crash would leave it after the mark says volume, and before the link has its place. */
  function marked(spec: InstanceSpec): void {
    const path = hosts.staged(spec, 'drover.json');
    const mark = JSON.parse(readFileSync(path, 'utf8')) as { conversions: { volume: unknown }[] };
    const disk = { name: 'disk', format: 'raw', backing: null, volume: mark.conversions[0]?.volume };
    writeFileSync(path, JSON.stringify({ ...mark, disks: [disk] }));
  }

  test('a crash after the mark says volume, before the link has its place', async () => {
    const { spec, move, expected } = await arrived();
    await writtenByHand(spec);
    marked(spec);
    await move.prepare();
    await move.finish();
    expect(hosts.isVolume(hosts.home(spec, 'disk'))).toBe(true);
    expectSameView(hosts.home(spec, 'disk'), expected);
  });

  test('the same, and the host comes back without the volume: nothing is opened in its place', async () => {
    const { spec, move, expected } = await arrived();
    await writtenByHand(spec);
    marked(spec);
    const activate = hosts.groups.deactivate(GROUP, volumeName(spec));
    const refused = {
      code: 'volume_device_missing',
      retriable: true,
      message: expect.stringContaining("the volume's device is not there") as unknown,
    };
    expect(await move.there.answer('prepare', {}, 1)).toMatchObject(refused);
    // What arrived has gone from there: it is of another form.
    expect(isLink(hosts.staged(spec, 'disk'))).toBe(true);
    const adoption = { spec, power_on: true };
    expect(await move.there.answer('adopt', adoption, 2)).toMatchObject(refused);
    activate();
    await move.finish();
    expectSameView(hosts.home(spec, 'disk'), expected);
    // Nor later, when the guest is to be defined again.
    await hosts.pair.target.hypervisor.undefine(spec.id);
    hosts.groups.deactivate(GROUP, volumeName(spec));
    const guest = hosts.pair.target.operation({ instance_id: spec.id, migration_id: null });
    expect(await guest.answer('power_on', {}, 2)).toMatchObject(refused);
  });

  test('what lies in place of a volume is never adopted', async () => {
    const { spec, move } = await arrived();
    await writtenByHand(spec);
    marked(spec);
    rmSync(hosts.staged(spec, '.disk.converted'));
    const adoption = { spec, power_on: true };
    expect(await move.there.answer('adopt', adoption, 2)).toMatchObject({
      code: 'volume_device_missing',
      message: expect.stringContaining('it is no link to its device') as unknown,
    });
    rmSync(hosts.staged(spec, 'disk'));
    symlinkSync(hosts.source(spec, 'disk'), hosts.staged(spec, 'disk'));
    expect(await move.there.answer('adopt', adoption, 2)).toMatchObject({
      code: 'volume_device_missing',
      message: expect.stringContaining('it is a link to') as unknown,
    });
    expect(hosts.pair.target.folders()).toEqual([`${spec.id}.staging`]);
  });

  test("another host's volume in the same group is not touched", async () => {
    const { spec, move } = await arrived();
    const volume = { group: GROUP, name: volumeName(spec), size_bytes: 4 * MEBIBYTE };
    await hosts.groups.of('target').create(volume, 'drover.source');
    expect(await move.there.answer('prepare', {}, 1)).toMatchObject({
      code: 'volume_not_ours',
      retriable: false,
      message: expect.stringContaining('its tags are "drover.source"') as unknown,
    });
    await move.there.run('unadmit', {}, 1);
    expect([hosts.groups.volumes(GROUP), hosts.pair.target.folders()]).toEqual([[volumeName(spec)], []]);
    // And from now on before anything is copied.
    const again = new Move(hosts.pair.source, hosts.pair.target, spec);
    await again.survey();
    expect(await again.there.answer('admit', again.admission(), 1)).toMatchObject({
      code: 'volume_not_ours',
    });
  });

  test('a volume that is in use stays, with what knows of it, until it can go', async () => {
    const { spec, move } = await arrived();
    await move.prepare();
    const busy = openSync(realpathSync(hosts.staged(spec, 'disk')), 'r');
    expect(await move.there.answer('unadmit', {}, 1)).toMatchObject({
      code: 'volume_in_use',
      retriable: true,
      message: expect.stringContaining('something has it open') as unknown,
    });
    await hosts.pair.target.restart();
    expect(hosts.groups.volumes(GROUP)).toEqual([volumeName(spec)]);
    closeSync(busy);
    await move.there.run('unadmit', {}, 1);
    expect([hosts.groups.volumes(GROUP), hosts.pair.target.folders()]).toEqual([[], []]);
  });

  test('a crash between the name of a folder and its volume ends at the next start; nothing else goes', async () => {
    const { spec, move } = await arrived();
    await move.prepare();
    const nobodys = { group: GROUP, name: `${spec.id}_other`, size_bytes: 4 * MEBIBYTE };
    await hosts.groups.of('target').create(nobodys, 'drover.target');
    const { instances_path } = hosts.pair.target;
    const passing = `.${spec.id}.removing.0123456789ab`;
    renameSync(join(instances_path, `${spec.id}.staging`), join(instances_path, passing));
    await hosts.pair.target.restart();
    expect([hosts.groups.volumes(GROUP), hosts.pair.target.folders()]).toEqual([[nobodys.name], []]);
  });
});
