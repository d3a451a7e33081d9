import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { InstanceSpec } from '../../../shared/domain/instance-spec.ts';
import { PowerState } from '../../../shared/domain/states.ts';
import { sampleImage } from '../../unit/compute-agent/samples.ts';
import { createOverlay, expectSameView, flipBit, qemuImg, writePattern } from './disk-images.ts';
import { Move, openDiskPair, placeGuest, type DiskPair } from './disk-pair.ts';

let pair: DiskPair;
let elsewhere: string;

beforeEach(async () => {
  pair = await openDiskPair();
  elsewhere = join(pair.root, 'elsewhere');
  mkdirSync(elsewhere);
  writeFileSync(join(elsewhere, 'base.img'), Buffer.alloc(2 * 1024 ** 2, 'base'));
  createOverlay(join(elsewhere, 'middle.qcow2'), 'base.img', 'raw', '8M');
  writePattern(join(elsewhere, 'middle.qcow2'), '0x22', '1M');
});
afterEach(() => pair.close());

const cache = (host: 'source' | 'target') => join(pair[host].instances_path, '_base');
const cached = (host: 'source' | 'target') =>
  readdirSync(cache(host)).filter((name) => /^[0-9a-f]{128}$/.test(name));
const sha512 = (path: string) => createHash('sha512').update(readFileSync(path)).digest('hex');

/** A guest whose disk stands on two files that Drover has never seen. */
const guest = (change: Partial<InstanceSpec> = {}) =>
  placeGuest(
    pair.source,
    (folder) => {
      const disk = join(folder, 'disk');
      createOverlay(disk, join(elsewhere, 'middle.qcow2'), 'qcow2');
      writePattern(disk, '0x33', '2M');
      qemuImg('convert', '-O', 'raw', disk, join(elsewhere, 'expected'));
      return [{ name: 'disk', format: 'qcow2', backing: null }];
    },
    change,
  );

describe('a chain: overlay, intermediate, base', () => {
  test('comes from the source, checked, once; and goes back as well', async () => {
    const spec = await guest();
    const move = new Move(pair.source, pair.target, spec);
    await move.run();
    expect(move.transfer_disks.map(({ name }) => name.split('.')[0])).toEqual(['backing', 'backing', 'disk']);
    const [base] = cached('target').filter((name) => name === sha512(join(elsewhere, 'base.img')));
    expect(base).toBeDefined();
    expect(cached('target')).toHaveLength(2);
    // Each has the digest of its own bytes as its name, what it refers to included.
    for (const name of cached('target')) expect(sha512(join(cache('target'), name))).toBe(name);
    const arrived = join(pair.target.instances_path, spec.id, 'disk');
    expectSameView(arrived, join(elsewhere, 'expected'));
    const chain = JSON.parse(qemuImg('info', '--output=json', '--backing-chain', arrived)) as unknown[];
    expect(chain).toMatchObject([
      { 'backing-filename-format': 'qcow2' },
      { 'backing-filename': base, 'backing-filename-format': 'raw' },
      { format: 'raw' },
    ]);
    // A second guest finds all there.
    const second = new Move(pair.source, pair.target, await guest());
    await second.admit();
    expect(second.admitted).not.toHaveProperty('transfer_disks');
    // And back: the same digests, whatever the files are called here.
    await pair.source.operation({ instance_id: spec.id, migration_id: null }).run('destroy', {}, 2);
    const back = new Move(pair.target, pair.source, spec, 2);
    await back.run();
    expect(back.transfer_disks).toHaveLength(3);
    expect(back.surveyed.disks[0]?.backing).toMatchObject({
      sha512: move.surveyed.disks[0]?.backing?.sha512,
      below: [{ sha512: base }],
    });
    expectSameView(join(pair.source.instances_path, spec.id, 'disk'), join(elsewhere, 'expected'));
  });

  test('its base comes from the image service where that has it', async () => {
    const content = readFileSync(join(elsewhere, 'base.img'));
    const { createServer } = await import('node:http');
    const server = createServer((_, response) => void response.writeHead(200).end(content));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = server.address() as { port: number };
      const image = sampleImage({
        url: `http://127.0.0.1:${port}/`,
        size_bytes: content.length,
        sha512: sha512(join(elsewhere, 'base.img')),
      });
      const move = new Move(pair.source, pair.target, await guest({ image }));
      await move.run();
      expect(move.transfer_disks).toHaveLength(2);
      expect(cached('target')).toHaveLength(2);
    } finally {
      server.close();
    }
  });

  test('revert: the source has its own chain still', async () => {
    const spec = await guest();
    const move = new Move(pair.source, pair.target, spec);
    await move.run();
    await move.there.run('withdraw', { shutdown_timeout_seconds: 0 }, 3);
    await move.here.run('restore', { spec, power_on: true }, 3);
    expectSameView(join(pair.source.instances_path, spec.id, 'disk'), join(elsewhere, 'expected'));
  });
});

describe('a chain whose guest runs', () => {
  /** Its hypervisor cannot say what was written; what is done between two rounds is said here. */
  async function warm(betweenRounds: () => void) {
    const spec = await guest();
    const move = new Move(pair.source, pair.target, spec);
    await move.here.run('power_on', {}, 1);
    await move.admit();
    const { hypervisor } = pair.source;
    let asked = 0;
    hypervisor.takeDirty = () => {
      asked += 1;
      if (asked === 2) betweenRounds();
      return Promise.resolve(null);
    };
    return { spec, move, order: { ...move.order(), downtime_budget_seconds: 0 } };
  }
  const bytesOf = (move: Move, prefix: string) =>
    move.transfer_disks
      .filter(({ name }) => name.startsWith(prefix))
      .reduce((sum, { file_size_bytes }) => sum + file_size_bytes, 0);

  test('what it stands on is read in the first round, and in no other', async () => {
    const { spec, move, order } = await warm(() => undefined);
    const { rounds } = (await move.here.run('precopy', order, 1)).result;
    const [first, ...later] = rounds;
    expect(first?.read_bytes).toBeGreaterThan(bytesOf(move, 'backing'));
    expect(later.length).toBeGreaterThan(0);
    for (const { read_bytes } of later) {
      expect(read_bytes).toBeGreaterThan(0);
      expect(read_bytes).toBeLessThanOrEqual(bytesOf(move, 'disk'));
    }
    await move.here.run('stop', { shutdown_timeout_seconds: 0 }, 1);
    const last = { ...move.order(), after_precopy: true };
    const { digests } = (await move.here.run('copy', last, 1)).result;
    expect((await move.there.run('verify', { disks: move.transfer_disks }, 1)).result).toMatchObject({
      digests,
    });
    await move.prepare();
    await move.finish();
    expectSameView(
      join(pair.target.instances_path, spec.id, 'disk'),
      join(pair.source.instances_path, `${spec.id}.migrated`, 'disk'),
    );
  });

  test('what it stands on is changed between two rounds: found before the guest is stopped', async () => {
    const { spec, move, order } = await warm(() => flipBit(join(elsewhere, 'base.img'), 5000));
    expect(await move.here.answer('precopy', order, 1)).toMatchObject({
      code: 'backing_image_changed',
      retriable: false,
      message: expect.stringMatching(/base\.img/) as unknown,
    });
    expect((await pair.source.hypervisor.describe(spec.id))?.power_state).toBe(PowerState.running);
    await move.here.run('abort_copy', {}, 1);
  });

  test('what it stands on is changed after the rounds: the copy does not count', async () => {
    const { move, order } = await warm(() => undefined);
    await move.here.run('precopy', order, 1);
    await move.here.run('stop', { shutdown_timeout_seconds: 0 }, 1);
    flipBit(join(elsewhere, 'base.img'), 5000);
    expect(await move.here.answer('copy', { ...move.order(), after_precopy: true }, 1)).toMatchObject({
      code: 'backing_image_changed',
    });
    await move.here.run('abort_copy', {}, 1);
  });
});

describe('a file that disks stand on has changed', () => {
  const names = (file: string, expected: unknown, found: unknown) => ({
    type: 'step_failed',
    code: 'backing_image_changed',
    retriable: false,
    message: expect.stringMatching(
      new RegExp(
        `${file}.*sha512 ${String(expected)} was expected, ${String(found)} is found; the \\d+ bytes at offset 0 differ`,
      ),
    ) as unknown,
  });

  test('on the target, before admit: refused, nothing is staged', async () => {
    const first = new Move(pair.source, pair.target, await guest());
    await first.run();
    const base = sha512(join(elsewhere, 'base.img'));
    flipBit(join(cache('target'), base), 5000);
    const move = new Move(pair.source, pair.target, await guest());
    await move.survey();
    const found = sha512(join(cache('target'), base));
    expect(await move.there.answer('admit', move.admission(), 1)).toMatchObject(
      names(`_base/${base}`, base, found),
    );
    expect(pair.target.folders().filter((name) => name.endsWith('.staging'))).toEqual([]);
  });

  test('on the target, after admit: verify finds it', async () => {
    await new Move(pair.source, pair.target, await guest()).run();
    const move = new Move(pair.source, pair.target, await guest());
    await move.admit();
    await move.here.run('copy', move.order(), 1);
    const base = sha512(join(elsewhere, 'base.img'));
    flipBit(join(cache('target'), base), 5000);
    expect(await move.there.answer('verify', { disks: move.transfer_disks }, 1)).toMatchObject(
      names(`_base/${base}`, base, sha512(join(cache('target'), base))),
    );
  });

  test('on the source, before its disks are copied: nothing is sent', async () => {
    const move = new Move(pair.source, pair.target, await guest());
    await move.admit();
    const path = join(elsewhere, 'base.img');
    const before = sha512(path);
    flipBit(path, 5000);
    expect(await move.here.answer('copy', move.order(), 1)).toMatchObject(
      names(path, '[0-9a-f]{128}', '[0-9a-f]{128}'),
    );
    expect(before).not.toBe(sha512(path));
  });

  test('on the source, where the target has its own: the copy does not count', async () => {
    await new Move(pair.source, pair.target, await guest()).run();
    const move = new Move(pair.source, pair.target, await guest());
    await move.admit();
    flipBit(join(elsewhere, 'middle.qcow2'), 400_000);
    expect(await move.here.answer('copy', move.order(), 1)).toMatchObject(names('middle.qcow2', '.*', '.*'));
  });

  test('on its way into the cache: it is not taken', async () => {
    const spec = await guest();
    const move = new Move(pair.source, pair.target, spec);
    await move.copy();
    const staging = join(pair.target.instances_path, `${spec.id}.staging`);
    const base = sha512(join(elsewhere, 'base.img'));
    const path = join(staging, `backing.${base.slice(0, 40)}`);
    flipBit(path, 5000);
    expect(await move.there.answer('prepare', {}, 1)).toMatchObject(names(path, base, sha512(path)));
    expect(cached('target')).toEqual([]);
    await move.there.run('unadmit', {}, 1);
    expect(pair.target.folders()).toEqual([]);
  });
});

describe('a source that is not to be believed', () => {
  test('a file of the cache that came as raw is not opened as qcow2 with what it names', async () => {
    const secret = join(elsewhere, 'secret');
    writeFileSync(secret, Buffer.alloc(1024 ** 2, 'secret'));
    const hostile = join(cache('target'), 'hostile');
    createOverlay(hostile, secret, 'raw');
    const name = sha512(hostile);
    renameSync(hostile, join(cache('target'), name));
    const move = new Move(pair.source, pair.target, await guest());
    await move.survey();
    const { size } = statSync(join(cache('target'), name));
    const backing = { image_id: '', sha512: name, format: 'qcow2', size_bytes: size } as const;
    const disks = move.surveyed.disks.map((disk) => ({ ...disk, backing }));
    const refused = {
      type: 'step_failed',
      code: 'disk_format_unknown',
      retriable: false,
      message: expect.stringMatching(/it has a backing file/) as unknown,
    };
    expect(await move.there.answer('admit', { ...move.admission(), disks }, 1)).toMatchObject(refused);
    // Nor where something is admitted beneath it: it names another file than that.
    const base = { sha512: 'a'.repeat(128), format: 'raw', size_bytes: 4096 } as const;
    const above = disks.map((disk) => ({ ...disk, backing: { ...backing, below: [base] } }));
    expect(await move.there.answer('admit', { ...move.admission(), disks: above }, 1)).toMatchObject({
      ...refused,
      message: expect.stringMatching(/its backing file is ".*secret", not "a+"/) as unknown,
    });
    expect(pair.target.folders()).toEqual([]);
  });

  test('a name that leads to a pipe is refused, and the pipe is not opened', async () => {
    const pipe = join(elsewhere, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const spec = await guest();
    qemuImg('rebase', '-u', '-F', 'raw', '-b', pipe, join(pair.source.instances_path, spec.id, 'disk'));
    expect(await new Move(pair.source, pair.target, spec).here.answer('survey', {}, 1)).toMatchObject({
      code: 'disk_format_unknown',
      message: expect.stringMatching(/pipe is neither a file nor a volume/) as unknown,
    });
  });
});

test('two that bring the same files at once leave one of each, and nothing beside their disks', async () => {
  const moves = [await guest(), await guest()].map((spec) => new Move(pair.source, pair.target, spec));
  for (const move of moves) await move.copy();
  for (const move of moves) await move.prepare();
  for (const move of moves) await move.finish();
  expect(cached('target')).toHaveLength(2);
  for (const folder of pair.target.folders())
    expect(readdirSync(join(pair.target.instances_path, folder)).sort()).toEqual(['disk', 'drover.json']);
});

test('a chain that does not say its formats, or stands on itself, is refused with what to do', async () => {
  const without = await placeGuest(pair.source, (folder) => {
    const disk = join(folder, 'disk');
    createOverlay(disk, join(elsewhere, 'base.img'), 'raw');
    const bytes = readFileSync(disk);
    // The extension's type, made one that nobody knows.
    const at = bytes.indexOf(Buffer.from('e2792aca', 'hex'));
    bytes.writeUInt32BE(0x11111111, at);
    writeFileSync(disk, bytes);
    return [{ name: 'disk', format: 'qcow2', backing: null }];
  });
  expect(await new Move(pair.source, pair.target, without).here.answer('survey', {}, 1)).toMatchObject({
    code: 'disk_format_unknown',
    message: expect.stringMatching(/qemu-img rebase -u -F FORMAT/) as unknown,
  });
  const circle = await placeGuest(pair.source, (folder) => {
    const disk = join(folder, 'disk');
    createOverlay(disk, join(elsewhere, 'middle.qcow2'), 'qcow2');
    qemuImg('rebase', '-u', '-F', 'qcow2', '-b', disk, disk);
    return [{ name: 'disk', format: 'qcow2', backing: null }];
  });
  expect(await new Move(pair.source, pair.target, circle).here.answer('survey', {}, 1)).toMatchObject({
    code: 'disk_format_unknown',
    message: expect.stringMatching(/or on itself/) as unknown,
  });
});
