import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { HostSettings } from '../../../services/compute-agent/commands/definition.ts';
import type { ImageSource } from '../../../shared/domain/instance-spec.ts';
import { newMigrationId, sampleSpec } from '../../unit/compute-agent/samples.ts';
import { asked, COW, folder, MEBIBYTE, offer, qcow2, raw, useImageService } from './support/image-service.ts';
import { TestHost } from './test-host.ts';

useImageService();

describe('the root disk of a new guest', () => {
  test.each([
    ['a raw image, copied', () => raw, { use_cow_images: false }, { format: 'raw', backing: null }],
    ['a raw image, overlaid', () => raw, COW, { format: 'qcow2', backing: { format: 'raw' } }],
    ['a qcow2 image, overlaid', () => qcow2, COW, { format: 'qcow2', backing: { format: 'qcow2' } }],
    [
      'a qcow2 image, overlaid on its raw form',
      () => qcow2,
      { ...COW, force_raw_images: true },
      { format: 'qcow2', backing: { format: 'raw' } },
    ],
  ])('%s', async (_, image, settings, expected) => {
    const host = await TestHost.open({ folder, name: 'source', settings });
    try {
      const spec = sampleSpec(undefined, image());
      const flavor = { ...spec.flavor, root_gb: 1 };
      const subject = { instance_id: spec.id, migration_id: newMigrationId() };
      await host.operation(subject).run('spawn', { spec: { ...spec, flavor } }, 1);
      const { disks } = (await host.operation(subject).run('survey', {}, 1)).result;
      expect(disks).toMatchObject([{ name: 'disk', virtual_size_bytes: 1024 ** 3, ...expected }]);
      const info = JSON.parse(
        execFileSync(
          'qemu-img',
          ['info', '-U', '--output=json', join(host.instances_path, spec.id, 'disk')],
          {
            encoding: 'utf8',
          },
        ),
      ) as Record<string, unknown>;
      expect(info).toMatchObject({ format: expected.format, 'virtual-size': 1024 ** 3 });
      if (expected.backing !== null)
        expect(info).toMatchObject({
          'backing-filename': `../_base/${disks[0]?.backing?.sha512}`,
          'backing-filename-format': expected.backing.format,
        });
    } finally {
      await host.close();
    }
  });
});

test('an image that would take what is promised to others is not fetched', async () => {
  const host = await TestHost.open({ folder, name: 'source', freeBytes: () => Promise.resolve(MEBIBYTE) });
  try {
    const spec = sampleSpec(undefined, raw);
    const subject = { instance_id: spec.id, migration_id: null };
    expect(await host.operation(subject).answer('spawn', { spec }, 1)).toMatchObject({
      code: 'host_disk_full',
      message: expect.stringMatching(/no room for the image .*: 4194304 bytes are needed/) as string,
    });
    expect(asked).toEqual([]);
  } finally {
    await host.close();
  }
});

describe('a compressed image that is needed as raw', () => {
  const RAW = { use_cow_images: true, force_raw_images: true };
  const DATA_BYTES = 8 * MEBIBYTE;
  let compressed: ImageSource;
  beforeAll(() => {
    const work = mkdtempSync(join(tmpdir(), 'drover-compressed-'));
    const [plain, path] = [join(work, 'plain'), join(work, 'image')];
    writeFileSync(plain, Buffer.alloc(DATA_BYTES, 'data'));
    truncateSync(plain, 8 * DATA_BYTES);
    execFileSync('qemu-img', ['convert', '-c', '-f', 'raw', '-O', 'qcow2', plain, path]);
    compressed = offer('/compressed', readFileSync(path), 'qcow2');
    rmSync(work, { recursive: true });
  });

  async function spawned(free_bytes: number, settings: Partial<HostSettings>) {
    const host = await TestHost.open({
      folder,
      name: 'source',
      settings,
      freeBytes: () => Promise.resolve(free_bytes),
    });
    try {
      const spec = sampleSpec(undefined, compressed);
      return await host.operation({ instance_id: spec.id, migration_id: null }).answer('spawn', { spec }, 1);
    } finally {
      await host.close();
    }
  }
  const noRoomFor = (what: string) => ({
    code: 'host_disk_full',
    message: expect.stringMatching(new RegExp(`no room for ${what} .*: \\d+ bytes are needed`)) as string,
  });

  test.each([
    ['an overlay stands on it', RAW],
    ['the disk is a copy of it', { use_cow_images: false }],
  ])('takes what its data takes, not its own size, where %s', async (_, settings) => {
    expect(compressed.size_bytes).toBeLessThan(DATA_BYTES / 4);
    expect(await spawned(DATA_BYTES / 2, settings)).toMatchObject(noRoomFor('the raw form of the image'));
    // It was fetched: there is room for that. What would have been promised to nobody else is not taken.
    expect(
      readdirSync(join(folder, 'source', 'instances', '_base')).filter((name) => name.length === 128),
    ).toEqual([compressed.sha512]);
  });

  test('does not take its virtual size', async () => {
    expect(await spawned(2 * DATA_BYTES, RAW)).toMatchObject({ type: 'step_done' });
  });

  test('a copy of its raw form takes as much again', async () => {
    expect(await spawned(2 * DATA_BYTES, RAW)).toMatchObject({ type: 'step_done' });
    expect(await spawned(DATA_BYTES / 2, { use_cow_images: false })).toMatchObject(noRoomFor('the disk'));
    expect(await spawned(DATA_BYTES / 2, RAW)).toMatchObject({ type: 'step_done' });
  });
});
