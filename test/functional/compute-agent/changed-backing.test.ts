import { createHash, randomBytes } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ImageSource } from '../../../shared/domain/instance-spec.ts';
import { PowerState } from '../../../shared/domain/states.ts';
import type { CommandResults, DiskDescription } from '../../../shared/messaging/commands.ts';
import { sampleImage } from '../../unit/compute-agent/samples.ts';
import { createOverlay, expectSameView, flipBit, writePattern } from './disk-images.ts';
import { Move, openDiskPair, placeGuest, type DiskPair } from './disk-pair.ts';

/** What disks stand on changes, or is damaged, while they move: real files, a real mover, a real sshd. */
const MEBIBYTE = 1024 ** 2;
const BASE_BYTES = 3 * MEBIBYTE;
/** What a bit at `at` in the second MiB is called. */
const at = MEBIBYTE + 5000;
const named = `the ${MEBIBYTE} bytes at offset ${MEBIBYTE} differ`;

let pair: DiskPair;
let base: string;

async function open(settings: Parameters<typeof openDiskPair>[0] = {}): Promise<void> {
  pair = await openDiskPair(settings);
  const elsewhere = join(pair.root, 'elsewhere');
  mkdirSync(elsewhere);
  base = join(elsewhere, 'base.img');
  // Nothing of it can be packed: what is sent can be told from what is not.
  writeFileSync(base, randomBytes(BASE_BYTES));
}
beforeEach(() => open());
afterEach(() => pair.close());

const sha512 = (path: string) => createHash('sha512').update(readFileSync(path)).digest('hex');
const cached = (host: 'source' | 'target', digest: string) =>
  join(pair[host].instances_path, '_base', digest);

/** A guest whose disk stands on a file; elsewhere, unless told. */
const guest = (on = base, image: ImageSource | null = null) =>
  placeGuest(
    pair.source,
    (folder) => {
      createOverlay(join(folder, 'disk'), on, 'raw');
      writePattern(join(folder, 'disk'), '0x33', '2M');
      return [{ name: 'disk', format: 'qcow2', backing: null }];
    },
    { image },
  );

const begin = async () => new Move(pair.source, pair.target, await guest());
const expectMoved = (move: Move) =>
  expectSameView(
    join(pair.target.instances_path, move.id, 'disk'),
    join(pair.source.instances_path, `${move.id}.migrated`, 'disk'),
  );

const copy = async (move: Move) =>
  (await move.here.run('copy', { ...move.order(), tells_changes: true }, 1)).result;
const verify = async (move: Move) =>
  (await move.there.run('verify', { disks: move.transfer_disks, tells_changes: true }, 1)).result;

/** As the scheduler does it: the target is asked to take what the files are now. */
async function admitAgain(move: Move, disks: readonly DiskDescription[] = move.surveyed.disks) {
  move.surveyed = { ...move.surveyed, disks };
  const answer = await move.there.run('admit', move.admission(), 1);
  move.admitted = answer.result;
  return answer;
}

async function expectVerified(move: Move, { digests }: CommandResults['copy']): Promise<void> {
  const found = await verify(move);
  expect(found).toMatchObject({ digests, damaged_count: 0 });
  expect(found).not.toHaveProperty('changed');
}

async function finish(move: Move): Promise<void> {
  await move.prepare();
  await move.finish();
  expectMoved(move);
}

/** Has something happen before and after the disks are sent, once. */
function aroundSending(before: () => void, after: () => void): void {
  const { sender } = pair;
  const send = sender.send.bind(sender);
  sender.send = async (...words) => {
    sender.send = send;
    before();
    const result = await send(...words);
    after();
    return result;
  };
}

const refused = (message: RegExp) => ({
  type: 'step_failed',
  code: 'backing_image_changed',
  retriable: false,
  message: expect.stringMatching(message) as unknown,
});

describe('the source', () => {
  test('is written to after it was read: what has changed is sent again, and moves', async () => {
    const move = await begin();
    await move.admit();
    aroundSending(
      () => undefined,
      () => flipBit(base, at),
    );
    const { changed } = await copy(move);
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
    await expectVerified(move, await copy(move));
    await finish(move);
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

  test('is written to between the rounds of a guest that runs: it runs on, and moves with it', async () => {
    const move = await begin();
    await move.here.run('power_on', {}, 1);
    await move.admit();
    const { hypervisor } = pair.source;
    let asked = 0;
    hypervisor.takeDirty = () => {
      asked += 1;
      if (asked === 2) flipBit(base, at);
      return Promise.resolve(null);
    };
    const precopy = async () => {
      const order = { ...move.order(), downtime_budget_seconds: 0, tells_changes: true };
      return (await move.here.run('precopy', order, 1)).result;
    };
    const { changed } = await precopy();
    expect(changed?.message).toContain(named);
    expect((await hypervisor.describe(move.id))?.power_state).toBe(PowerState.running);
    await admitAgain(move, changed?.disks);
    expect(await precopy()).not.toHaveProperty('changed');
    await move.here.run('stop', { shutdown_timeout_seconds: 0 }, 1);
    const last = { ...move.order(), after_precopy: true };
    await expectVerified(move, (await move.here.run('copy', last, 1)).result);
    await finish(move);
  });
});

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
      await move.admit();
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
    await admitAgain(move);
    expect(move.transfer_disks).toHaveLength(2);
    await expectVerified(move, await copy(move));
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
    await expectVerified(move, await copy(move));
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
