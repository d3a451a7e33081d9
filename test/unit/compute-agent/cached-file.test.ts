import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { findCached } from '../../../services/compute-agent/commands/cached-file.ts';
import type { AcceptedCommand, HostParts } from '../../../services/compute-agent/commands/definition.ts';
import { InstanceFolders } from '../../../services/compute-agent/folders/instance-folders.ts';
import { ImageCache } from '../../../services/compute-agent/images/image-cache.ts';
import { HOST } from './samples.ts';

const content = randomBytes(4096);
const sha512 = createHash('sha512').update(content).digest('hex');

let instances_path: string;
let images: ImageCache;
beforeEach(async () => {
  instances_path = mkdtempSync(join(tmpdir(), 'cached-'));
  images = new ImageCache({ instances_path, host: HOST });
  await images.load();
});
afterEach(() => rmSync(instances_path, { recursive: true }));

/** A migration of a guest of its own. */
const command = () =>
  ({
    instance_id: randomUUID(),
    signal: new AbortController().signal,
    atWork: () => undefined,
  }) as unknown as AcceptedCommand<'admit'>;

const find = (asking = command()) => {
  const folders = new InstanceFolders({ instances_path, host: HOST });
  return findCached(sha512, asking, { images, folders, host: HOST } as unknown as HostParts);
};

const path = () => images.path(sha512);
const damage = () => writeFileSync(path(), Buffer.alloc(4096, 1));
/** As another guest's migration brings it: whole, and at once. */
function bringGoodOne(): void {
  const arrived = join(instances_path, 'arrived');
  writeFileSync(arrived, content);
  renameSync(arrived, path());
}

/** Has something happen around one of the looks at the file: 1 is the first. */
function aroundLook(number: number, happens: { readonly before?: () => void; readonly after?: () => void }) {
  const check = images.check.bind(images);
  let looks = 0;
  vi.spyOn(images, 'check').mockImplementation(async (digest, asker) => {
    looks += 1;
    const is_it = looks === number;
    if (is_it) happens.before?.();
    try {
      await check(digest, asker);
    } finally {
      if (is_it) happens.after?.();
    }
  });
}

describe('a damaged file of the cache', () => {
  test('that nothing needs is removed', async () => {
    damage();
    expect(await find()).toMatchObject({ is_here: false, damage: { code: 'backing_image_changed' } });
    expect(() => readFileSync(path())).toThrow('ENOENT');
  });

  test('that was good when the same guest asked is removed', async () => {
    const asking = command();
    bringGoodOne();
    expect(await find(asking)).toEqual({ is_here: true, damage: null });
    damage();
    expect(await find(asking)).toMatchObject({ is_here: false, damage: { code: 'backing_image_changed' } });
  });

  test('that was good when another guest asked stays: a disk may be being made on it', async () => {
    bringGoodOne();
    await find();
    damage();
    await expect(find()).rejects.toThrow(/another guest was given it .* not replaced/);
    expect(readFileSync(path())).toEqual(Buffer.alloc(4096, 1));
  });

  test('is gone at the second look: nothing is removed, and nothing was mended', async () => {
    damage();
    aroundLook(2, { before: () => rmSync(path()) });
    expect(await find()).toEqual({ is_here: false, damage: null });
  });

  test.each([1, 2])('a good one has come in its place after look %d: that one stays', async (look) => {
    damage();
    aroundLook(look, { after: bringGoodOne });
    expect(await find()).toEqual({ is_here: true, damage: null });
    expect(readFileSync(path())).toEqual(content);
  });
});
