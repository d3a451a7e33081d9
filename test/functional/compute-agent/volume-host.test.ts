import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { imageId } from '../../../shared/domain/ids.ts';
import { sampleSpec } from '../../unit/compute-agent/samples.ts';
import { expectSameView } from './disk-images.ts';
import { TestHost } from './test-host.ts';
import { bestKind, kindSuffix } from './support/volume-groups.ts';
import { GROUP, VolumeHosts } from './support/volume-hosts.ts';

const MEBIBYTE = 1024 ** 2;
const hosts = new VolumeHosts(bestKind);

describe(`the agent of a host with volumes${kindSuffix}`, () => {
  test('builds new guests in volumes, reports its group, and removes them with their guests', async () => {
    await hosts.toVolumes();
    const spec = sampleSpec();
    const guest = hosts.pair.target.operation({ instance_id: spec.id, migration_id: null });
    await guest.run('spawn', { spec }, 1);
    expect(hosts.isVolume(hosts.home(spec, 'disk'))).toBe(true);
    // Empty, whatever its extents held.
    expect(readFileSync(hosts.home(spec, 'disk')).every((byte) => byte === 0)).toBe(true);
    writeFileSync(realpathSync(hosts.home(spec, 'disk')), 'mine', { flag: 'r+' });
    expect((await guest.run('spawn', { spec }, 1)).summary).toBe('the guest was there already');
    expect(readFileSync(hosts.home(spec, 'disk')).subarray(0, 4).toString()).toBe('mine');
    const image_id = imageId(randomUUID());
    await guest.run('extract', { image_id, disk_format: 'qcow2' }, 1);
    const [extracted = ''] = hosts.pair.target.folders().filter((name) => name.includes('.extracting.'));
    expectSameView(hosts.home(spec, 'disk'), join(hosts.pair.target.instances_path, extracted, 'image'));
    await hosts.pair.target.restart();
    // Sent when the agent starts, which does not wait for it.
    await vi.waitFor(
      () => {
        const reports = hosts.pair.target.events.filter((event) => event.type === 'host_reported');
        expect(reports.at(-1)?.report).toMatchObject({
          boot_id: hosts.pair.target.agent.boot_id,
          inventory: { local_gb: 0, disk_available_bytes: 60 * MEBIBYTE },
        });
      },
      { timeout: 10_000 },
    );
    await guest.run('destroy', {}, 1);
    expect(hosts.groups.volumes(GROUP)).toEqual([]);
  });
});

test.each([
  ['volume_group_unset', null],
  ['volume_group_missing', 'nowhere'],
] as const)('an agent does not start: %s', async (code, images_volume_group) => {
  const folder = mkdtempSync(join(tmpdir(), 'drover-volumes-'));
  const settings = { images_type: 'lvm', images_volume_group } as const;
  const opened = TestHost.open({ folder, name: 'host', settings, volumes: hosts.groups.of('host') });
  await expect(opened).rejects.toMatchObject({ code });
  rmSync(folder, { recursive: true });
});
