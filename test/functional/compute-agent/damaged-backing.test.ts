import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { sampleImage } from '../../unit/compute-agent/samples.ts';
import { flipBit } from './disk-images.ts';
import { Move } from './disk-pair.ts';
import {
  at,
  base,
  begin,
  cached,
  copy,
  finish,
  guest,
  MEBIBYTE,
  named,
  open,
  pair,
  admitAgain,
  expectOnlyBaseSent,
  expectVerified,
  refused,
  sha512,
  useBase,
  verify,
} from './support/changing-base.ts';

useBase();

describe('the target', () => {
  /** Its cache has the file, and a bit of it is flipped. */
  function damaged(): string {
    const path = cached('target', sha512(base));
    if (!existsSync(path)) copyFileSync(base, path);
    flipBit(path, at);
    return path;
  }

  test('has a damaged one that nothing stands on: the source sends a good one', async () => {
    const path = damaged();
    const move = await begin();
    await move.survey();
    const { summary } = await admitAgain(move);
    expect(summary).toContain(`${path} on target, which disks stand on, has changed`);
    expect(summary).toContain('it was removed');
    expect(move.transfer_disks).toHaveLength(2);
    await expectVerified(move, await copy(move));
    await finish(move);
    expect(sha512(path)).toBe(sha512(base));
  });

  test('has a damaged one that nothing stands on: the image service has a good one', async () => {
    const content = readFileSync(base);
    const server = createServer((_, response) => void response.writeHead(200).end(content));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = server.address() as { port: number };
      const url = `http://127.0.0.1:${port}/`;
      const image = sampleImage({ url, size_bytes: content.length, sha512: sha512(base) });
      const path = damaged();
      const move = new Move(pair.source, pair.target, await guest(base, image));
      await move.survey();
      const { summary } = await admitAgain(move);
      expect(summary).toMatch(new RegExp(`${named}\\. Nothing else stands on it: it was removed`));
      expect(move.admitted).not.toHaveProperty('transfer_disks');
      // What has come is remembered extent by extent: damage to it has a place.
      flipBit(path, at);
      expect(await move.there.answer('verify', { disks: move.transfer_disks }, 1)).toMatchObject(
        refused(new RegExp(named)),
      );
    } finally {
      server.close();
    }
  });

  test('has a damaged one beneath another guest: it stays, and this guest does not come', async () => {
    const first = await begin();
    await first.run();
    const path = damaged();
    const bytes = sha512(path);
    const move = await begin();
    await move.survey();
    expect(await move.there.answer('admit', move.admission(), 1)).toMatchObject(
      refused(new RegExp(`${named}; disks in ${first.id} stand on it, too, so it is not replaced`)),
    );
    expect(sha512(path)).toBe(bytes);
  });

  test('has one that is damaged after it was admitted: verify tells, and a good one is sent', async () => {
    copyFileSync(base, cached('target', sha512(base)));
    const move = await begin();
    await move.admit();
    await copy(move);
    damaged();
    const found = await verify(move);
    expect(found.changed?.again).toBe('admit');
    expect(found.changed?.message).toContain(named);
    // Nobody reads disks for an answer that is known.
    expect(found.digests).toEqual([]);
    await admitAgain(move);
    expect(move.transfer_disks).toHaveLength(2);
    const second = await copy(move);
    expectOnlyBaseSent(second);
    await expectVerified(move, second);
    await finish(move);
  });

  test('has none any more after it was admitted: verify tells, and it is sent', async () => {
    copyFileSync(base, cached('target', sha512(base)));
    const move = await begin();
    await move.admit();
    await copy(move);
    rmSync(cached('target', sha512(base)));
    expect((await verify(move)).changed).toMatchObject({
      again: 'admit',
      message: expect.stringContaining('no file is found') as unknown,
    });
    await admitAgain(move);
    const second = await copy(move);
    expectOnlyBaseSent(second);
    await expectVerified(move, second);
    await finish(move);
  });

  test('has one that came with the disks and is damaged where it lies: that extent is sent again', async () => {
    const move = await begin();
    await move.admit();
    await copy(move);
    const staging = join(pair.target.instances_path, `${move.id}.staging`);
    const name = readdirSync(staging).find((file) => file.startsWith('backing.')) ?? '';
    flipBit(join(staging, name), at);
    expect(await verify(move)).toMatchObject({
      damaged: [{ disk: name, offset_bytes: MEBIBYTE, length_bytes: MEBIBYTE }],
      damaged_count: 1,
    });
    const second = await copy(move);
    expect(second.sent_bytes).toBeLessThan(1.1 * MEBIBYTE);
    await expectVerified(move, second);
    await finish(move);
  });

  test('has got a damaged one since, and the one that came is good: that one is kept', async () => {
    const move = await begin();
    await move.copy();
    const path = damaged();
    await finish(move);
    expect(sha512(path)).toBe(sha512(base));
  });

  test('is to be given a guest whose file is damaged after all was verified: it is not started on it', async () => {
    copyFileSync(base, cached('target', sha512(base)));
    const move = await begin();
    await move.copy();
    damaged();
    await move.here.run('retire', {}, 2);
    const adopt = { spec: move.spec, power_on: true };
    expect(await move.there.answer('adopt', adopt, 2)).toMatchObject(refused(new RegExp(named)));
    expect(await pair.target.hypervisor.describe(move.id)).toBeNull();
  });

  test('reads a file that is damaged while it converts: the disk is not taken', async () => {
    await pair.close();
    await open({ images_type: 'raw' });
    copyFileSync(base, cached('target', sha512(base)));
    const move = await begin();
    await move.copy();
    damaged();
    // Its converted form and what it was read from agree with each other.
    expect(await move.there.answer('prepare', {}, 1)).toMatchObject(refused(new RegExp(named)));
    await move.there.run('unadmit', {}, 1);
    expect(pair.target.folders()).toEqual([]);
  });
});
