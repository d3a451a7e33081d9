import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { ensureBacking } from '../../../services/compute-agent/images/backing-image.ts';
import { ImageCache } from '../../../services/compute-agent/images/image-cache.ts';
import { HOST, sampleSpec } from '../../unit/compute-agent/samples.ts';
import {
  asked,
  asker,
  files,
  folder,
  MEBIBYTE,
  qcow2,
  raw,
  slow,
  useImageService,
} from './support/image-service.ts';
import { TestHost } from './test-host.ts';

useImageService();

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
    await expect(ensureBacking(cache, backing, null, asker)).rejects.toMatchObject({
      code: 'backing_image_mismatch',
    });
    await expect(ensureBacking(cache, backing, qcow2, asker)).rejects.toMatchObject({
      code: 'backing_image_mismatch',
    });
    await ensureBacking(cache, backing, raw, asker);
    await ensureBacking(cache, backing, null, asker);
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
