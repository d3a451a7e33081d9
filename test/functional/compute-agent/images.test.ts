import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { HostSettings } from '../../../services/compute-agent/commands/definition.ts';
import { ImageCache } from '../../../services/compute-agent/images/image-cache.ts';
import { readQcow2Header, writeBackingFile } from '../../../services/compute-agent/images/qcow2-header.ts';
import type { ImageSource } from '../../../shared/domain/instance-spec.ts';
import { HOST, newMigrationId, sampleImage, sampleSpec } from '../../unit/compute-agent/samples.ts';
import { TestHost } from './test-host.ts';

const MEBIBYTE = 1024 ** 2;
const TICKET = '123.abc';
let server: Server;
let folder: string;
let asked: string[] = [];
const files = new Map<string, Buffer>();
let raw: ImageSource;
let qcow2: ImageSource;
/** Answers that are given piece by piece, by the test. */
let slow: ServerResponse[] = [];
const asker = { signal: new AbortController().signal, atWork: () => undefined };

beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(request.url ?? '');
    const content = files.get(request.url ?? '');
    if (request.headers['x-drover-image-ticket'] !== TICKET) response.writeHead(403).end();
    else if (request.url === '/slow') {
      slow.push(response);
      response.writeHead(200).write('first');
    } else if (content === undefined) response.writeHead(404).end();
    else response.writeHead(200).end(content);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const bytes = Buffer.alloc(4 * MEBIBYTE);
  bytes.fill('boot', 0, 4096);
  bytes.fill('data', 2 * MEBIBYTE, 2 * MEBIBYTE + 4096);
  raw = offer('/raw', bytes, 'raw');
  const work = mkdtempSync(join(tmpdir(), 'drover-image-'));
  const path = join(work, 'image');
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', path, '4M']);
  qcow2 = offer('/qcow2', readFileSync(path), 'qcow2');
  rmSync(work, { recursive: true });
});
afterAll(() => server.close());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'drover-images-'));
  asked = [];
  slow = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function offer(path: string, content: Buffer, disk_format: 'raw' | 'qcow2'): ImageSource {
  files.set(path, content);
  const { port } = server.address() as AddressInfo;
  return sampleImage({
    url: `http://127.0.0.1:${port}${path}`,
    ticket: TICKET,
    disk_format,
    size_bytes: content.length,
    sha512: createHash('sha512').update(content).digest('hex'),
  });
}

describe('the cache', () => {
  let cache: ImageCache;
  beforeEach(async () => {
    cache = new ImageCache({ instances_path: folder, host: HOST });
    await cache.load();
  });

  test('many who want an image share one download; it is checked and sparse', async () => {
    const found = await Promise.all(Array.from({ length: 10 }, () => cache.ensure(raw, 'as it is', asker)));
    expect(asked).toEqual(['/raw']);
    expect(new Set(found.map(({ path }) => path))).toEqual(new Set([join(folder, '_base', raw.sha512)]));
    expect(files.get('/raw')?.equals(readFileSync(cache.path(raw.sha512)))).toBe(true);
    expect(statSync(cache.path(raw.sha512)).blocks * 512).toBeLessThan(MEBIBYTE);
    await cache.ensure(raw, 'raw', asker);
    expect(asked).toHaveLength(1);
  });

  test.each([
    ['other bytes', () => ({ ...raw, sha512: 'b'.repeat(128) }), 'image_digest_mismatch'],
    ['a wrong ticket', () => ({ ...raw, ticket: 'x' }), 'image_refused'],
    ['no such image', () => ({ ...raw, url: `${raw.url}-missing` }), 'image_refused'],
    ['nobody there', () => ({ ...raw, url: 'http://127.0.0.1:1/' }), 'image_unreachable'],
  ])('%s: an error, nothing is left, and the next try is a new one', async (_, source, code) => {
    await expect(cache.ensure(source(), 'as it is', asker)).rejects.toMatchObject({ code });
    expect(readdirSync(join(folder, '_base'))).toEqual([]);
    await cache.ensure(raw, 'as it is', asker);
  });

  test('a qcow2 image in raw form is found by the digest of that form', async () => {
    const converted = await cache.ensure(qcow2, 'raw', asker);
    expect(converted).toMatchObject({ format: 'raw', size_bytes: 4 * MEBIBYTE });
    expect(converted.sha512).toBe(
      createHash('sha512')
        .update(Buffer.alloc(4 * MEBIBYTE))
        .digest('hex'),
    );
    expect(await cache.ensure(qcow2, 'raw', asker)).toEqual(converted);
    expect(await cache.has(converted.sha512)).toBe(true);
  });

  test('the raw form of an image outlives the image in the cache, and is not used once it was touched', async () => {
    const first = await cache.ensure(qcow2, 'raw', asker);
    rmSync(cache.path(qcow2.sha512));
    expect(await cache.ensure(qcow2, 'raw', asker)).toEqual(first);
    expect(asked).toEqual(['/qcow2']);
    writeFileSync(first.path, 'touched', { flag: 'r+' });
    await expect(cache.ensure(qcow2, 'raw', asker)).rejects.toMatchObject({ code: 'backing_image_changed' });
  });

  test('a backing image is fetched, and never replaced by a different one', async () => {
    const backing = { image_id: raw.id, sha512: raw.sha512, format: 'raw', size_bytes: 1 } as const;
    await expect(cache.ensureBacking(backing, null, asker)).rejects.toMatchObject({
      code: 'backing_image_mismatch',
    });
    await expect(cache.ensureBacking(backing, qcow2, asker)).rejects.toMatchObject({
      code: 'backing_image_mismatch',
    });
    await cache.ensureBacking(backing, raw, asker);
    await cache.ensureBacking(backing, null, asker);
  });
});

describe('an image that needs its time', () => {
  const open = (stall_timeout_seconds = 60) =>
    TestHost.open({ folder, name: 'source', settings: { stall_timeout_seconds } });
  const slowSpec = () => sampleSpec(undefined, { ...raw, url: raw.url.replace('/raw', '/slow') });
  const next = <Result>(look: () => Result | undefined) =>
    vi.waitUntil(look, { timeout: 5000, interval: 5 }) as Promise<Result>;

  test('a service that falls silent in the middle is given up', async () => {
    const cache = new ImageCache({ instances_path: folder, host: HOST, silence_milliseconds_max: 100 });
    await cache.load();
    await expect(cache.ensure(slowSpec().image!, 'as it is', asker)).rejects.toMatchObject({
      code: 'image_unreachable',
      message: expect.stringMatching(/no byte came for 0.1 s/) as string,
    });
    expect(readdirSync(join(folder, '_base'))).toEqual([]);
  });

  test('its host says that it is at work while bytes arrive, and only then', async () => {
    const host = await open(0.04);
    try {
      const spec = slowSpec();
      const subject = { instance_id: spec.id, migration_id: null };
      const spawning = host.operation(subject).answer('spawn', { spec }, 1);
      const response = await next(() => slow[0]);
      const signs = () => host.events.filter((event) => event.type === 'step_progress');
      await next(() => (response.write('more'), signs().length >= 2 || undefined));
      expect(signs()[0]).toMatchObject({ step: 'spawn', progress: null });
      // What is under way still arrives; then nothing more does.
      let seen = -1;
      await vi.waitUntil(() => seen === (seen = signs().length), { timeout: 5000, interval: 100 });
      response.end();
      expect(await spawning).toMatchObject({ type: 'step_failed', code: 'image_digest_mismatch' });
    } finally {
      await host.close();
    }
  });

  test('is not waited for by a destroy: the download ends', async () => {
    const host = await open();
    try {
      const spec = slowSpec();
      const subject = { instance_id: spec.id, migration_id: null };
      const spawning = host.operation(subject).answer('spawn', { spec }, 1);
      const response = await next(() => slow[0]);
      const closed = once(response, 'close', { signal: AbortSignal.timeout(5000) });
      await host.operation(subject).run('destroy', {}, 1);
      expect(await spawning).toMatchObject({ type: 'step_failed', code: 'command_superseded' });
      await closed;
      const base = join(host.instances_path, '_base');
      await vi.waitUntil(() => readdirSync(base).length === 0, { timeout: 5000, interval: 5 });
      expect(host.folders()).toEqual([]);
    } finally {
      await host.close();
    }
  });
});

const COW = { use_cow_images: true, force_raw_images: false };

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

test('an overlay moves without its image: the target fetches it before the guest is touched', async () => {
  const source = await TestHost.open({ folder, name: 'source', settings: COW });
  const target = await TestHost.open({ folder, name: 'target', settings: COW, mover: source.mover });
  try {
    const spec = sampleSpec(undefined, qcow2);
    const subject = { instance_id: spec.id, migration_id: newMigrationId() };
    const [here, there] = [source.operation(subject), target.operation(subject)];
    await source.operation({ ...subject, migration_id: null }).run('spawn', { spec }, 1);
    const { disks, public_key, source_address } = (await here.run('survey', {}, 1)).result;
    const order = { spec, disks, public_key, source_address, expires_in_seconds: 60 };
    const { endpoint } = (await there.run('admit', order, 1)).result;
    expect(asked).toEqual(['/qcow2', '/qcow2']);
    await here.run('stop', { shutdown_timeout_seconds: 0 }, 1);
    await here.run('copy', { disks, endpoint, limit_bytes_per_second: 0 }, 1);
    await here.run('retire', {}, 2);
    // As an overlay from elsewhere: adopt gives the backing file the name that it has here.
    await writeBackingFile(
      join(target.instances_path, `${spec.id}.staging`, 'disk'),
      '/elsewhere/a-much-longer-name',
    );
    await there.run('adopt', { spec, power_on: true }, 2);
    const disk = join(target.instances_path, spec.id, 'disk');
    expect(await readQcow2Header(disk)).toMatchObject({ backing_file: `../_base/${qcow2.sha512}` });
    execFileSync('qemu-img', ['check', '-q', disk]);
  } finally {
    await Promise.all([source.close(), target.close()]);
  }
});

test('an overlay that refers to another file than its image is not taken: nothing on the target opens it', async () => {
  const source = await TestHost.open({ folder, name: 'source', settings: COW });
  const target = await TestHost.open({ folder, name: 'target', settings: COW, mover: source.mover });
  try {
    const spec = sampleSpec(undefined, qcow2);
    const subject = { instance_id: spec.id, migration_id: newMigrationId() };
    const [here, there] = [source.operation(subject), target.operation(subject)];
    await source.operation({ ...subject, migration_id: null }).run('spawn', { spec }, 1);
    const { disks, public_key, source_address } = (await here.run('survey', {}, 1)).result;
    const order = { spec, disks, public_key, source_address, expires_in_seconds: 60 };
    const { endpoint } = (await there.run('admit', order, 1)).result;
    await here.run('stop', { shutdown_timeout_seconds: 0 }, 1);
    await here.run('copy', { disks, endpoint, limit_bytes_per_second: 0 }, 1);
    const disk = join(target.instances_path, `${spec.id}.staging`, 'disk');
    const bytes = readFileSync(disk);
    // The header's incompatible features: bit 2 says that the data lies in another file.
    bytes.writeBigUInt64BE(bytes.readBigUInt64BE(72) | 4n, 72);
    writeFileSync(disk, bytes);
    expect(await there.answer('adopt', { spec, power_on: true }, 2)).toMatchObject({
      type: 'step_failed',
      code: 'disk_format_unknown',
      retriable: false,
    });
    expect(await target.hypervisor.describe(spec.id)).toBeNull();
  } finally {
    await Promise.all([source.close(), target.close()]);
  }
});
