import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import type { ImagesType } from '../../../../services/compute-agent/images/disk-format.ts';
import { HostVolumes } from '../../../../services/compute-agent/volumes/host-volumes.ts';
import { Lvm } from '../../../../services/compute-agent/volumes/lvm.ts';
import type { LogicalVolumes } from '../../../../services/compute-agent/volumes/logical-volumes.ts';
import { ReportedGroup } from '../../../../services/compute-agent/volumes/reported-group.ts';
import type { Logger } from '../../../../shared/logging/logger.ts';
import { HOST, newInstanceId } from '../samples.ts';
import { GROUP } from './volumes-in-memory.ts';

let told: string[];
let free_bytes: number | Error;
beforeEach(() => {
  told = [];
  free_bytes = 60;
});

function reported(images_type: ImagesType, images_volume_group: string | null = GROUP): ReportedGroup {
  const figures = () =>
    typeof free_bytes === 'number'
      ? Promise.resolve({ size_bytes: 100, free_bytes, extent_bytes: 4 })
      : Promise.reject(free_bytes);
  const volumes = {
    figures,
    unnamed: (_: string, ids: readonly string[]) => Promise.resolve(['lost', ...ids]),
  } as unknown as HostVolumes;
  const tell = (found: { volume?: string }, words: string) => told.push(`${found.volume ?? ''} ${words}`);
  const log = { error: tell, warn: tell, info: (words: string) => told.push(words) } as unknown as Logger;
  return new ReportedGroup({ host: HOST, volumes, log, settings: { images_type, images_volume_group } });
}

test('the group as it is now', async () => {
  const group = reported('lvm');
  await group.require();
  expect(await group.figures()).toMatchObject({ size_bytes: 100, free_bytes: 60 });
  free_bytes = 20;
  expect(await group.figures()).toMatchObject({ free_bytes: 20 });
});

test('one that cannot be looked at any more is full: the host goes on being reported', async () => {
  const group = reported('lvm');
  await group.require();
  free_bytes = new Error('away');
  expect(await group.figures()).toEqual({ size_bytes: 100, free_bytes: 0 });
  expect(told).toEqual([' the volume group cannot be looked at: it is reported as full']);
  // Logged when it changes, not with every report.
  await group.figures();
  expect(told).toHaveLength(1);
  free_bytes = new Error('away otherwise');
  await group.figures();
  expect(told).toHaveLength(2);
  free_bytes = 60;
  await group.figures();
  await group.figures();
  expect(told.slice(2)).toEqual(['the volume group can be looked at again']);
});

test('one that does not even answer keeps no report waiting', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'drover-lvm-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const vgs = (ending: string) => {
    writeFileSync(join(folder, 'vgs.draft'), `#!/bin/sh\n${ending}\n`, { mode: 0o755 });
    renameSync(join(folder, 'vgs.draft'), join(folder, 'vgs'));
  };
  vgs(`echo '{"report": [{"vg": [{"vg_size":"100", "vg_free":"60", "vg_extent_size":"4"}]}]}'`);
  const search_path = `${folder}:/usr/bin:/bin`;
  const lvmWaiting = (seconds: number) =>
    new Lvm({ host: HOST, search_path, patience: { look_seconds: seconds, change_seconds: seconds } });
  let lvm = lvmWaiting(60);
  const folders = { known: () => [], folder: () => '' };
  const log = { error: (_: unknown, words: string) => told.push(words) } as unknown as Logger;
  const settings = { images_type: 'lvm', images_volume_group: GROUP } as const;
  const looked = { figures: (name: string) => lvm.figures(name) } as LogicalVolumes;
  const volumes = new HostVolumes({ host: HOST, volumes: looked, folders });
  const group = new ReportedGroup({ host: HOST, volumes, log, settings });
  await group.require();
  vgs('exec sleep 600');
  lvm = lvmWaiting(0.1);
  expect(await group.figures()).toEqual({ size_bytes: 100, free_bytes: 0 });
  expect(told).toEqual(['the volume group cannot be looked at: it is reported as full']);
});

test('none where disks are files, whatever else is configured', async () => {
  const group = reported('qcow2');
  await group.require();
  await group.tellUnnamed();
  expect([await group.figures(), told]).toEqual([null, []]);
});

test('nothing starts without it', async () => {
  await expect(reported('lvm', null).require()).rejects.toMatchObject({ code: 'volume_group_unset' });
  free_bytes = new Error('away');
  await expect(reported('lvm').require()).rejects.toThrow('away');
});

test('what no folder names is told by its whole name', async () => {
  const [home, gone] = [newInstanceId(), newInstanceId()];
  const left = [home, `.${gone}.removing.0123456789ab`, '_base'].map((folder) => ({ folder, reason: '' }));
  await reported('lvm').tellUnnamed(left);
  const words = 'a volume is left alone: no instance folder names it';
  expect(told).toEqual(['lost', home, gone].map((name) => `instances/${name} ${words}`));
});
