import { appendFileSync, copyFileSync, existsSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { FileDigests } from '../../../services/compute-agent/images/file-digests.ts';
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
  pair,
  admitAgain,
  aroundSending,
  expectOnlyBaseSent,
  expectVerified,
  refused,
  replace,
  sha512,
  useBase,
  verify,
} from './support/changing-base.ts';

useBase();

describe('the source', () => {
  test('is written to after it was read: what has changed is sent again, and moves', async () => {
    const move = await begin();
    await move.admit();
    aroundSending(
      () => undefined,
      () => flipBit(base, at),
    );
    const digest = vi.spyOn(FileDigests.prototype, 'digest');
    const { changed } = await copy(move);
    // Before it was sent, and in the last look: a volume would be read each time.
    expect(digest.mock.calls.filter(([path]) => path === base)).toHaveLength(2);
    digest.mockRestore();
    expect(changed?.message).toContain(`${base} on source`);
    expect(changed?.message).toContain(named);
    const before = move.transfer_disks;
    await admitAgain(move, changed?.disks);
    // Under its old name, so that the target knows what it holds of it.
    expect(move.transfer_disks.map(({ name }) => name)).toEqual(before.map(({ name }) => name));
    const second = await copy(move);
    expect(second).not.toHaveProperty('changed');
    expect(second.sent_bytes).toBeGreaterThan(MEBIBYTE);
    expect(second.sent_bytes).toBeLessThan(1.1 * MEBIBYTE);
    await expectVerified(move, second);
    await finish(move);
    expect(existsSync(cached('target', sha512(base)))).toBe(true);
  });

  test('is written to before it is read: what was sent is agreed, and nothing is sent twice', async () => {
    const move = await begin();
    await move.admit();
    flipBit(base, at);
    const { changed } = await copy(move);
    await admitAgain(move, changed?.disks);
    const second = await copy(move);
    expect(second.sent_bytes).toBeLessThan(0.1 * MEBIBYTE);
    await expectVerified(move, second);
    await finish(move);
  });

  test('is written to twice: the second time it fails, with the extent named', async () => {
    const move = await begin();
    await move.admit();
    flipBit(base, at);
    const { changed } = await copy(move);
    await admitAgain(move, changed?.disks);
    aroundSending(
      () => undefined,
      () => flipBit(base, 2 * MEBIBYTE),
    );
    const place = `the ${MEBIBYTE} bytes at offset ${2 * MEBIBYTE} differ\\.`;
    expect(await move.here.answer('copy', move.order(), 1)).toMatchObject(refused(new RegExp(place)));
    await move.there.run('unadmit', {}, 1);
    expect(pair.target.folders()).toEqual([]);
  });

  test('where the target has the file: it is sent what that is now', async () => {
    copyFileSync(base, cached('target', sha512(base)));
    const move = await begin();
    await move.admit();
    expect(move.admitted).not.toHaveProperty('transfer_disks');
    flipBit(base, at);
    const { changed } = await copy(move);
    await admitAgain(move, changed?.disks);
    expect(move.transfer_disks).toHaveLength(2);
    const second = await copy(move);
    expectOnlyBaseSent(second);
    await expectVerified(move, second);
    await finish(move);
  });

  test('is made longer after it was sent: it is sent under another name, the disk is not, nothing stays', async () => {
    const move = await begin();
    await move.admit();
    aroundSending(
      () => undefined,
      () => appendFileSync(base, 'more'),
    );
    const { changed } = await copy(move);
    await admitAgain(move, changed?.disks);
    const second = await copy(move);
    expectOnlyBaseSent(second);
    await expectVerified(move, second);
    await finish(move);
  });

  test('is what the target has got meanwhile: nothing is sent again, nothing stays of what was sent', async () => {
    const move = await begin();
    await move.admit();
    aroundSending(
      () => undefined,
      () => flipBit(base, at),
    );
    const { changed } = await copy(move);
    copyFileSync(base, cached('target', sha512(base)));
    await admitAgain(move, changed?.disks);
    expect(move.admitted).not.toHaveProperty('needs_prepare');
    const second = await copy(move);
    expect(second.sent_bytes).toBeLessThan(0.1 * MEBIBYTE);
    await expectVerified(move, second);
    // Whatever has left one there.
    writeFileSync(join(pair.target.instances_path, `${move.id}.staging`, `backing.${'0'.repeat(40)}`), '');
    await finish(move);
  });

  test('is replaced by another file after it was read: that is not what the guest stood on', async () => {
    const move = await begin();
    await move.admit();
    aroundSending(() => undefined, replace);
    const order = { ...move.order(), tells_changes: true };
    const replaced = refused(/base\.img on source.*stands on other files now/);
    expect(await move.here.answer('copy', order, 1)).toMatchObject(replaced);
  });

  test('is filled where it had holes, and takes more than was reserved: the file is blamed, not the target', async () => {
    // More than the least that is reserved beyond what two disks have in use.
    truncateSync(base, 160 * MEBIBYTE);
    const move = await begin();
    await move.admit();
    writeFileSync(base, Buffer.alloc(160 * MEBIBYTE, 7));
    const order = { ...move.order(), tells_changes: true };
    expect(await move.here.answer('copy', order, 1)).toMatchObject(refused(/base\.img on source/));
  });

  test('is one of two that were alike: each arrives as what it is now', async () => {
    const other = `${base}.other`;
    copyFileSync(base, other);
    const spec = await guest(base, null, other);
    const move = new Move(pair.source, pair.target, spec);
    await move.admit();
    // They travel as one.
    expect(move.transfer_disks).toHaveLength(3);
    flipBit(base, at);
    const { changed } = await copy(move);
    await admitAgain(move, changed?.disks);
    expect(new Set(move.transfer_disks.map(({ name }) => name)).size).toBe(4);
    await expectVerified(move, await copy(move));
    await finish(move);
    expect([base, other].map((path) => existsSync(cached('target', sha512(path))))).toEqual([true, true]);
  });

  test('of its cache is damaged: that is not carried on', async () => {
    const digest = sha512(base);
    copyFileSync(base, cached('source', digest));
    const spec = await guest(`../_base/${digest}`);
    const move = new Move(pair.source, pair.target, spec);
    await move.admit();
    flipBit(cached('source', digest), at);
    const order = { ...move.order(), tells_changes: true };
    expect(await move.here.answer('copy', order, 1)).toMatchObject(refused(new RegExp(named)));
  });

  test('is read wrongly, once: both sides agree, the promise does not, and it is sent again', async () => {
    const move = await begin();
    await move.admit();
    aroundSending(
      () => flipBit(base, at),
      () => flipBit(base, at),
    );
    const first = await copy(move);
    expect(first).not.toHaveProperty('changed');
    const found = await verify(move);
    expect(found).toMatchObject({ digests: first.digests, changed: { again: 'copy' } });
    expect(found.changed?.message).toContain(`sha512 ${sha512(base)} was expected`);
    // Whoever does not ask to be told hears of it as a failure.
    expect(await move.there.answer('verify', { disks: move.transfer_disks }, 1)).toMatchObject(
      refused(/backing\.[0-9a-f]{40} on target/),
    );
    const second = await copy(move);
    expect(second.sent_bytes).toBeGreaterThan(MEBIBYTE);
    expect(second.sent_bytes).toBeLessThan(1.1 * MEBIBYTE);
    await expectVerified(move, second);
    await finish(move);
  });
});
