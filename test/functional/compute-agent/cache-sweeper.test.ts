import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { InstanceFolders } from '../../../services/compute-agent/folders/instance-folders.ts';
import { folderRoles } from '../../../services/compute-agent/folders/mark.ts';
import { CacheSweeper } from '../../../services/compute-agent/images/cache-sweeper.ts';
import { ImageCache } from '../../../services/compute-agent/images/image-cache.ts';
import { instanceFolders } from '../../../shared/messaging/commands.ts';
import { HOST, newMigrationId, sampleSpec } from '../../unit/compute-agent/samples.ts';
import { createOverlay, qemuImg } from './disk-images.ts';

let instances_path: string;
let images: ImageCache;
const log = pino({ level: 'silent' });

beforeEach(async () => {
  instances_path = mkdtempSync(join(tmpdir(), 'drover-sweep-'));
  images = new ImageCache({ instances_path, host: HOST });
  await images.load();
});
afterEach(() => rmSync(instances_path, { recursive: true }));

const base = () => join(instances_path, '_base');
const cached = () => readdirSync(base()).filter((name) => /^[0-9a-f]{128}$/.test(name));
const sha512 = (content: Buffer) => createHash('sha512').update(content).digest('hex');

function rawFile(): string {
  const content = randomBytes(4096);
  writeFileSync(join(base(), sha512(content)), content);
  return sha512(content);
}

const sweep = (minimum_age_seconds = 0) =>
  new CacheSweeper({
    instances_path,
    host: HOST,
    images,
    settings: { interval_seconds: 0, minimum_age_seconds },
    log,
  }).sweepOnce();

/** A folder of an instance in this role, with an overlay on a file of the cache. */
async function overlayOn(name: string, role: (typeof folderRoles)[number], marked: boolean): Promise<string> {
  const spec = sampleSpec();
  const folders = new InstanceFolders({ instances_path, host: HOST });
  const backing = { image_id: '', sha512: name, format: 'raw', size_bytes: 4096 } as const;
  await folders.make({
    instance_id: spec.id,
    migration_id: newMigrationId(),
    epoch: 1,
    role,
    spec,
    disks: [{ name: 'disk', format: 'qcow2', backing: marked ? backing : null }],
    reserved_bytes: 0,
  });
  const folder = join(instances_path, instanceFolders[role](spec.id));
  if (!marked) createOverlay(join(folder, 'disk'), `../_base/${name}`, 'raw');
  return folder;
}

describe('what nothing uses', () => {
  test('goes, and nothing of it is left', async () => {
    rawFile();
    await sweep();
    expect(cached()).toEqual([]);
    expect(readdirSync(base()).filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  test('stays as long as it is to, over restarts of the agent', async () => {
    const name = rawFile();
    await sweep(3600);
    await sweep(3600);
    expect(cached()).toEqual([name]);
    writeFileSync(join(base(), '.unused-since.json'), JSON.stringify({ [name]: Date.now() - 3_700_000 }));
    await sweep(3600);
    expect(cached()).toEqual([]);
  });

  test('stays when somebody has just asked for it: a disk may be about to stand on it', async () => {
    const name = rawFile();
    expect(await images.has(name)).toBe(true);
    await sweep();
    expect(cached()).toEqual([name]);
  });
});

describe('what anything uses stays', () => {
  for (const role of folderRoles)
    test.each([
      ['by its mark', true],
      ['by its header', false],
    ])(`a disk in a ${role} folder, %s`, async (_, marked) => {
      const name = rawFile();
      await overlayOn(name, role, marked);
      await sweep();
      expect(cached()).toEqual([name]);
    });

  test('a disk in a folder of somebody else, and one that lies elsewhere', async () => {
    const [one, other] = [rawFile(), rawFile()];
    mkdirSync(join(instances_path, 'not-ours'));
    createOverlay(join(instances_path, 'not-ours', 'x'), `../_base/${one}`, 'raw');
    const folder = await overlayOn(other, 'home', true);
    renameSync(folder, join(instances_path, '..', `${folder.split('/').at(-1)}.elsewhere`));
    symlinkSync(join(instances_path, '..', `${folder.split('/').at(-1)}.elsewhere`), folder);
    await sweep();
    expect(cached().toSorted()).toEqual([one, other].toSorted());
    rmSync(join(instances_path, '..', `${folder.split('/').at(-1)}.elsewhere`), { recursive: true });
  });

  test('and what a used file stands on itself', async () => {
    const lowest = rawFile();
    const middle = join(base(), 'middle');
    createOverlay(middle, lowest, 'raw', '1M');
    const name = 'd'.repeat(128);
    renameSync(middle, join(base(), name));
    await overlayOn(name, 'home', true);
    await sweep();
    expect(cached().toSorted()).toEqual([lowest, name].toSorted());
  });

  test('and everything, where a mark cannot be read', async () => {
    const name = rawFile();
    const folder = await overlayOn(name, 'home', true);
    const unused = rawFile();
    writeFileSync(join(folder, 'drover.json'), '{');
    await sweep();
    expect(cached().toSorted()).toEqual([name, unused].toSorted());
  });

  test('and everything, where a disk contradicts itself; but not for a copy that is half there', async () => {
    const unused = rawFile();
    const header = Buffer.alloc(512);
    header.writeUInt32BE(0x514649fb, 0);
    header.writeUInt32BE(99, 20);
    const home = await overlayOn(rawFile(), 'home', true);
    writeFileSync(join(home, 'disk'), header);
    await sweep();
    expect(cached()).toContain(unused);
    rmSync(home, { recursive: true });
    const staging = await overlayOn(rawFile(), 'staging', true);
    writeFileSync(join(staging, 'disk'), header);
    await sweep();
    expect(cached()).not.toContain(unused);
  });

  test('and not what a copy on its way here names elsewhere: that is not even looked at', async () => {
    const unused = rawFile();
    const staging = await overlayOn(rawFile(), 'staging', false);
    const pipe = join(instances_path, 'pipe');
    execFileSync('mkfifo', [pipe]);
    qemuImg('rebase', '-u', '-F', 'qcow2', '-b', pipe, join(staging, 'disk'));
    // To open the pipe would take for ever.
    await sweep();
    expect(cached()).not.toContain(unused);
  });
});
