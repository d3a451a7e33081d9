import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  guestBlock,
  guestBlockOffset,
  GUEST_BLOCK_BYTES,
} from '../../../services/compute-agent/hypervisor/fake/guest-writer.ts';
import { imageId } from '../../../shared/domain/ids.ts';
import { imageFormats, type ImageUpload } from '../../../shared/domain/instance-spec.ts';
import { sampleSpec } from '../../unit/compute-agent/samples.ts';
import { createOverlay, qemuImg } from './disk-images.ts';
import { placeGuest } from './disk-pair.ts';
import { TestHost } from './test-host.ts';

const MEBIBYTE = 1024 ** 2;
let folder: string;
let host: TestHost;
let server: Server;
/** What the image service has. */
let stored: Buffer | null;
let refuses: number | null;
/** Holds an upload open, unread. */
let hangs: boolean;
let asked: string[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'drover-extract-'));
  host = await TestHost.open({ folder, name: 'home' });
  [stored, refuses, hangs, asked] = [null, null, false, []];
  server = createServer((request, response) => {
    asked.push(request.method ?? '');
    if (request.headers['x-drover-image-ticket'] !== '1.abc') response.writeHead(401).end();
    else if (request.method === 'GET') {
      const digest = stored === null ? '' : createHash('sha512').update(stored).digest('hex');
      const headers = { 'x-drover-image-sha512': digest };
      response.writeHead(stored === null ? 204 : 200, headers).end(stored ?? undefined);
    } else if (refuses !== null) response.writeHead(refuses).end('no room');
    else if (!hangs) {
      const blocks: Buffer[] = [];
      request.on('data', (block: Buffer) => blocks.push(block));
      request.on('end', () => {
        stored = Buffer.concat(blocks);
        response.writeHead(204).end();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  await host.close();
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

const newUpload = (): ImageUpload => ({
  id: imageId(randomUUID()),
  url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
  ticket: '1.abc',
});

/** An overlay on a raw base, stopped. */
const chainedGuest = () =>
  placeGuest(host, (home) => {
    const base = join(folder, 'base.img');
    writeFileSync(base, Buffer.alloc(MEBIBYTE, 'base'));
    const disk = join(home, 'disk');
    createOverlay(disk, base, 'raw', '6M');
    execFileSync('qemu-io', [
      '-f',
      'qcow2',
      '-c',
      'write -P 0x66 512k 128k',
      '-c',
      'write -P 0x67 4M 64k',
      disk,
    ]);
    return [{ name: 'disk', format: 'qcow2', backing: null }];
  });

const passing = () => readdirSync(host.instances_path).filter((name) => name.startsWith('.'));

describe('a stopped guest', () => {
  test.each(imageFormats)(
    'as %s: flattened, readable, the same view; nothing stays on the host',
    async (disk_format) => {
      const spec = await chainedGuest();
      const operation = host.operation({ instance_id: spec.id, migration_id: null });
      const upload = newUpload();
      const { result } = await operation.run('extract', { image_id: upload.id, disk_format }, 1);
      expect(result.held_seconds).toBe(0);
      const order = { upload, size_bytes: result.size_bytes, sha512: result.sha512 };
      await operation.run('upload', order, 1);
      expect(stored?.length).toBe(result.size_bytes);
      const path = join(folder, 'image');
      writeFileSync(path, stored ?? '');
      const format = disk_format === 'vhd' ? 'vpc' : disk_format;
      expect(JSON.parse(qemuImg('info', '-f', format, '--output=json', path))).toMatchObject({ format });
      qemuImg('compare', '-f', format, '-F', 'qcow2', path, join(host.instances_path, spec.id, 'disk'));
      expect(passing()).toEqual([]);
      // The answer was lost: asked again, it finds that all is there.
      asked = [];
      expect((await operation.run('upload', order, 1)).summary).toMatch(/has it already/);
      expect(asked).toEqual(['GET']);
    },
  );

  test('asked twice it makes one file, and tells its progress', async () => {
    const spec = await chainedGuest();
    const operation = host.operation({ instance_id: spec.id, migration_id: null });
    const order = { image_id: newUpload().id, disk_format: 'raw' } as const;
    const first = await operation.run('extract', order, 1);
    const inode = () => statSync(join(host.instances_path, passing()[0] ?? '', 'image')).ino;
    const before = inode();
    expect((await operation.run('extract', order, 1)).result).toMatchObject({ sha512: first.result.sha512 });
    expect(inode()).toBe(before);
    expect(host.events.filter(({ type }) => type === 'step_progress')).toContainEqual(
      expect.objectContaining({
        progress: expect.objectContaining({ disk_total_bytes: 6 * MEBIBYTE }) as unknown,
      }),
    );
  });
});

test('a running guest: its image is of one moment, and it goes on writing', async () => {
  await host.close();
  host = await TestHost.open({
    folder,
    name: 'home',
    knobs: { guest_write_bytes_per_second: 40 * MEBIBYTE },
  });
  const spec = sampleSpec();
  const operation = host.operation({ instance_id: spec.id, migration_id: null });
  await operation.run('spawn', { spec }, 1);
  const disk = join(host.instances_path, spec.id, 'disk');
  truncateSync(disk, 64 * MEBIBYTE);
  const used = () => statSync(disk).blocks * 512;
  await vi.waitUntil(() => used() > 4 * MEBIBYTE, { timeout: 5000, interval: 20 });
  // The copy is made in no time here: it is given some, in which the guest would write thousands of blocks.
  const hold = host.hypervisor.holdingWrites.bind(host.hypervisor);
  vi.spyOn(host.hypervisor, 'holdingWrites').mockImplementation((id, work) =>
    hold(id, async () => {
      const began = performance.now();
      const before = readFileSync(disk);
      const done = await work();
      await vi.waitUntil(() => performance.now() - began > 350, { timeout: 5000, interval: 10 });
      expect(readFileSync(disk).equals(before)).toBe(true);
      return done;
    }),
  );
  const upload = newUpload();
  const { result } = await operation.run('extract', { image_id: upload.id, disk_format: 'raw' }, 1);
  expect(result.held_seconds).toBeGreaterThan(0.3);
  const image = readFileSync(join(host.instances_path, passing()[0] ?? '', 'image'));
  // Every block before the last one that is there is there: a guest's writes stand in the order in which it made them.
  const blocks = image.length / GUEST_BLOCK_BYTES;
  const isThere = (index: number) => {
    const at = guestBlockOffset(index, blocks);
    return image.subarray(at, at + GUEST_BLOCK_BYTES).equals(guestBlock(spec.id, index));
  };
  // The first ones were written while the disk was smaller.
  const all = Array.from({ length: blocks }, (_, index) => index).filter(isThere);
  const [first = 0, last = 0] = [all[0], all.at(-1)];
  expect(all).toHaveLength(last - first + 1);
  expect(all.length).toBeGreaterThan(500);
  const then = used();
  await vi.waitUntil(() => used() > then, { timeout: 5000, interval: 20 });
});

describe('what does not come about', () => {
  async function extracted() {
    const spec = await chainedGuest();
    const operation = host.operation({ instance_id: spec.id, migration_id: null });
    const upload = newUpload();
    const { size_bytes, sha512 } = (
      await operation.run('extract', { image_id: upload.id, disk_format: 'qcow2' }, 1)
    ).result;
    return { spec, operation, upload, order: { upload, size_bytes, sha512 } };
  }

  test('a refusal is told as it is, and tried again nowhere', async () => {
    const { operation, order } = await extracted();
    refuses = 413;
    expect(await operation.answer('upload', order, 1)).toMatchObject({
      code: 'image_upload_refused',
      retriable: false,
      message: expect.stringMatching(/HTTP 413 no room/) as unknown,
    });
    refuses = null;
    await operation.run('upload', order, 1);
  });

  test('called back in the middle of its upload: the connection ends, the files go', async () => {
    const { operation, upload, order } = await extracted();
    hangs = true;
    const uploading = operation.answer('upload', order, 1);
    await vi.waitUntil(() => asked.includes('PUT'), { timeout: 5000, interval: 5 });
    for (const _ of [1, 2]) await operation.run('discard_extract', { image_id: upload.id }, 1);
    expect(await uploading).toMatchObject({ type: 'step_failed', code: 'command_superseded' });
    expect(passing()).toEqual([]);
  });

  test('a restart of the agent removes what it made, and the upload says so', async () => {
    const { spec, order } = await extracted();
    await host.restart();
    expect(passing()).toEqual([]);
    const operation = host.operation({ instance_id: spec.id, migration_id: null });
    expect(await operation.answer('upload', order, 1)).toMatchObject({
      code: 'image_extract_lost',
      retriable: false,
    });
  });

  test('an order that comes late, to an agent that was started since, leaves nothing for long', async () => {
    const spec = await chainedGuest();
    await host.close();
    host = await TestHost.open({
      folder,
      name: 'home',
      extractions: { kept_seconds: 0, interval_seconds: 0.02 },
    });
    const operation = host.operation({ instance_id: spec.id, migration_id: null });
    const { id: image_id } = newUpload();
    const order = operation.message('extract', { image_id, disk_format: 'raw' }, 1);
    expect(await host.send(order)).toMatchObject({ type: 'step_done' });
    await operation.run('discard_extract', { image_id }, 1);
    await host.restart();
    // It does not remember that this was given up: the work is done once more, for nobody.
    expect(await host.send(order)).toMatchObject({ type: 'step_done' });
    await expect.poll(passing, { timeout: 5000 }).toEqual([]);
  });

  test('no room: refused before anything is written', async () => {
    const spec = await chainedGuest();
    await host.close();
    host = await TestHost.open({ folder, name: 'home', freeBytes: () => Promise.resolve(MEBIBYTE) });
    const operation = host.operation({ instance_id: spec.id, migration_id: null });
    expect(
      await operation.answer('extract', { image_id: newUpload().id, disk_format: 'raw' }, 1),
    ).toMatchObject({
      code: 'host_disk_full',
      message: expect.stringMatching(/no room for an image/) as unknown,
    });
    expect(passing()).toEqual([]);
  });
});
