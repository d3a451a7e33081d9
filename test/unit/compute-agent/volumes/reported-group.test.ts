import { beforeEach, expect, test } from 'vitest';
import type { ImagesType } from '../../../../services/compute-agent/images/disk-format.ts';
import type { HostVolumes } from '../../../../services/compute-agent/volumes/host-volumes.ts';
import { ReportedGroup } from '../../../../services/compute-agent/volumes/reported-group.ts';
import type { Logger } from '../../../../shared/logging/logger.ts';
import { HOST } from '../samples.ts';
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
  const volumes = { figures, unnamed: () => Promise.resolve(['lost']) } as unknown as HostVolumes;
  const tell = (found: { volume?: string }, words: string) => told.push(`${found.volume ?? ''} ${words}`);
  const log = { error: tell, warn: tell } as unknown as Logger;
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
  await reported('lvm').tellUnnamed();
  expect(told).toEqual(['instances/lost a volume is left alone: no instance folder names it']);
});
