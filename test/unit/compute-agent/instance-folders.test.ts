import { mkdtempSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { InstanceFolders } from '../../../services/compute-agent/folders/instance-folders.ts';
import type { InstanceMark } from '../../../services/compute-agent/folders/mark.ts';
import { RemovalSweeper } from '../../../services/compute-agent/folders/removal-sweeper.ts';
import { instanceId } from '../../../shared/domain/ids.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import type { Logger } from '../../../shared/logging/logger.ts';
import { HOST, newMigrationId, sampleSpec } from './samples.ts';

let path: string;
let folders: InstanceFolders;
const spec = sampleSpec();
const id = spec.id;
const mine = newMigrationId();
const foreign = newMigrationId();

beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'drover-folders-'));
  folders = new InstanceFolders({ instances_path: path, host: HOST });
});
afterEach(() => rmSync(path, { recursive: true, force: true }));

const mark = (change: Partial<InstanceMark> = {}): InstanceMark => ({
  instance_id: id,
  migration_id: null,
  epoch: 1,
  role: 'home',
  spec,
  disks: [],
  reserved_bytes: 0,
  ...change,
});
const retire = { from: 'home', to: 'retired', owner: 'anyone', migration_id: mine, epoch: 2 } as const;
const unretire = { from: 'retired', to: 'home', owner: mine, migration_id: mine, epoch: 3 } as const;

describe('moving', () => {
  test('goes there and back, each of it twice, and the disks go along', async () => {
    await folders.make(mark());
    writeFileSync(join(path, id, 'disk'), 'content');
    expect(await folders.move(id, retire)).toBe('moved');
    expect(await folders.move(id, retire)).toBe('was moved');
    expect(readdirSync(path)).toEqual([`${id}.migrated`]);
    expect(await folders.read(id, 'retired')).toMatchObject({
      role: 'retired',
      epoch: 2,
      migration_id: mine,
    });
    expect(await folders.move(id, unretire)).toBe('moved');
    expect(await folders.move(id, unretire)).toBe('was moved');
    expect(readFileSync(join(path, id, 'disk'), 'utf8')).toBe('content');
    expect(await folders.home(id)).toMatchObject({ role: 'home', epoch: 3 });
  });

  test('that was cut off between mark and rename: no home any more, and the move goes on or back', async () => {
    await folders.make(mark());
    await folders.write(mark({ role: 'retired', epoch: 2, migration_id: mine }), 'home');
    expect(await folders.home(id)).toBeNull();
    await expect(folders.move(id, { ...retire, migration_id: foreign })).rejects.toMatchObject({
      code: 'folder_of_another_migration',
    });
    expect(await folders.move(id, unretire)).toBe('was moved');
    expect(await folders.home(id)).toMatchObject({ epoch: 3 });
  });

  test("never touches another migration's folder", async () => {
    await folders.make(mark({ role: 'retired', migration_id: foreign }));
    const before = readFileSync(join(path, `${id}.migrated`, 'drover.json'), 'utf8');
    const refused = { code: 'folder_of_another_migration' };
    await expect(folders.move(id, unretire)).rejects.toMatchObject(refused);
    await expect(folders.move(id, retire)).rejects.toMatchObject(refused);
    await expect(folders.remove(id, 'retired', mine)).rejects.toMatchObject(refused);
    expect(readFileSync(join(path, `${id}.migrated`, 'drover.json'), 'utf8')).toBe(before);
  });

  test('refuses when both or none are there', async () => {
    await expect(folders.move(id, retire)).rejects.toMatchObject({ code: 'folder_missing' });
    await folders.make(mark());
    await folders.make(mark({ role: 'retired', migration_id: mine }));
    await expect(folders.move(id, retire)).rejects.toMatchObject({ code: 'folder_occupied' });
  });
});

test('removing twice', async () => {
  await folders.make(mark({ role: 'staging', migration_id: mine }));
  expect(await folders.remove(id, 'staging', mine)).toBe('removed');
  expect(await folders.remove(id, 'staging', mine)).toBe('was gone');
  expect(readdirSync(path)).toEqual([]);
});

test.each(['../etc', '', 'x', id.toUpperCase().replace(/^./, 'A'), `${id}/..`, `${id}\0`])(
  'an id that is no UUID never becomes a path: %j',
  (value) => {
    expect(() => folders.folder(instanceId(value), 'home')).toThrow(/no UUID/);
  },
);

describe('volumes go with the folder that names them', () => {
  const volume = { group: 'instances', name: `${id}_disk`, size_bytes: 1 };
  const disks = [{ name: 'disk', format: 'raw', backing: null, volume }] as const;
  /** What is removed next fails with this. */
  let failure: Error | null;
  const once = new Error('EBUSY: the first one fails');
  let removed: (readonly [string, readonly string[]])[];

  beforeEach(() => {
    failure = null;
    removed = [];
    folders = new InstanceFolders({
      instances_path: path,
      host: HOST,
      removeVolumes: async ({ role }, readOthers) => {
        const error = failure;
        if (error !== null) {
          if (error === once) failure = null;
          throw error;
        }
        const others = await readOthers();
        removed.push([role, others.map((other) => other.role)]);
      },
    });
  });

  test('after its name is gone, and again when that was cut off', async () => {
    await folders.make(mark({ disks }));
    failure = new Error('it is in use');
    await expect(folders.remove(id, 'home', 'anyone')).rejects.toThrow('in use');
    expect(await folders.read(id, 'home')).toBeNull();
    failure = null;
    expect(await folders.remove(id, 'home', mine)).toBe('was gone');
    expect([removed, readdirSync(path)]).toEqual([[['home', []]], []]);
  });

  test('by a sweep, when nobody asks again', async () => {
    await folders.make(mark({ disks }));
    failure = new DroverError('volume_group_missing', { group: 'instances', host: HOST, reason: 'away' });
    await expect(folders.remove(id, 'home', 'anyone')).rejects.toThrow('away');
    const told: unknown[] = [];
    const log = { warn: (found: unknown) => told.push(found) } as unknown as Logger;
    const sweeper = new RemovalSweeper({ removals: folders.removals, log });
    await sweeper.sweepOnce();
    expect(told).toMatchObject([{ reason: expect.stringContaining('away') as unknown }]);
    failure = null;
    // One that is under way is joined.
    await Promise.all([sweeper.sweepOnce(), folders.remove(id, 'home', 'anyone')]);
    expect([removed, readdirSync(path), told]).toMatchObject([[['home', []]], [], [{}]]);
  });

  test('not asked for where a mark names none', async () => {
    await folders.make(mark());
    await folders.remove(id, 'home', 'anyone');
    expect([removed, readdirSync(path)]).toEqual([[], []]);
  });

  test('whoever removes them is told what else of their instance is there', async () => {
    await folders.make(mark({ disks }));
    await folders.make(mark({ role: 'staging', migration_id: mine }));
    await folders.remove(id, 'home', 'anyone');
    expect(removed).toEqual([['home', ['staging']]]);
  });

  test('they wait where another mark of their instance cannot be read', async () => {
    await folders.make(mark({ disks }));
    await folders.make(mark({ role: 'staging', migration_id: mine }));
    writeFileSync(join(folders.folder(id, 'staging'), 'drover.json'), '{');
    await folders.remove(id, 'home', 'anyone');
    expect(removed).toEqual([]);
    expect(await folders.removals.finishAll()).toMatchObject([
      { reason: expect.stringContaining('a mark of the instance cannot be read') as unknown },
    ]);
    // A guest that is destroyed takes that one along, and nothing is in doubt any more.
    await folders.remove(id, 'staging', 'anyone');
    expect(removed).toEqual([['home', []]]);
    // But for the folder whose mark is damaged: only a person can say what it named.
    expect(readdirSync(path)).toEqual([expect.stringContaining(`.${id}.removing.`)]);
  });

  test.each([
    ['damaged', (file: string) => writeFileSync(file, '{"disks": [')],
    ['out of reach', (file: string) => mkdirSync(file)],
  ])('a folder stays while its own mark is %s: nothing else knows of its volumes', async (_, spoil) => {
    const name = `.${id}.removing.0123456789ab`;
    mkdirSync(join(path, name));
    spoil(join(path, name, 'drover.json'));
    const left = [
      { folder: name, reason: expect.stringContaining('its drover.json cannot be read') as unknown },
    ];
    expect(await folders.load()).toEqual(left);
    // Nor does it keep commands for the instance from their work.
    expect(await folders.remove(id, 'home', 'anyone')).toBe('was gone');
    expect([removed, readdirSync(path)]).toEqual([[], [name]]);
  });

  test('one that fails, in whatever way, keeps no other', async () => {
    const other = sampleSpec();
    for (const [whose, name] of [
      [spec, `.${id}.removing.0123456789ab`],
      [other, `.${other.id}.removing.0123456789ab`],
    ] as const) {
      mkdirSync(join(path, name));
      const found = mark({ disks, spec: whose, instance_id: whose.id });
      writeFileSync(join(path, name, 'drover.json'), JSON.stringify(found));
    }
    failure = once;
    expect(await folders.load()).toMatchObject([{ reason: 'EBUSY: the first one fails' }]);
    expect(removed).toEqual([['home', []]]);
    expect(readdirSync(path)).toHaveLength(1);
    expect(await folders.removals.finishAll()).toEqual([]);
    expect(readdirSync(path)).toEqual([]);
  });

  test('what others name is read for the moment, and remembered by nobody', async () => {
    await folders.make(mark({ disks }));
    await folders.make(mark({ role: 'staging', migration_id: mine }));
    writeFileSync(
      join(folders.folder(id, 'staging'), 'drover.json'),
      JSON.stringify(mark({ role: 'staging', migration_id: mine, epoch: 9 })),
    );
    await folders.remove(id, 'home', 'anyone');
    expect(removed).toEqual([['home', ['staging']]]);
    expect(folders.knownEpoch(id)).toBe(1);
  });
});

test('a damaged mark is told, and its folder is left alone', async () => {
  mkdirSync(join(path, id));
  writeFileSync(join(path, id, 'drover.json'), '{"instance_id"');
  expect(await folders.load()).toEqual([{ folder: id, reason: expect.stringContaining('cannot be read') }]);
  await expect(folders.home(id)).rejects.toMatchObject({ code: 'folder_mark_unreadable' });
  expect(await folders.remove(id, 'home', 'anyone')).toBe('removed');
});

test('a start finds the epochs again and clears what was on its way in or out', async () => {
  await folders.make(mark({ role: 'retired', epoch: 7, migration_id: mine }));
  mkdirSync(join(path, `.${id}.removing.0123456789ab`));
  mkdirSync(join(path, 'somebody-elses'));
  const next = new InstanceFolders({ instances_path: path, host: HOST });
  expect(next.knownEpoch(id)).toBe(0);
  expect(await next.load()).toEqual([]);
  expect(next.knownEpoch(id)).toBe(7);
  expect(readdirSync(path).sort()).toEqual([`${id}.migrated`, 'somebody-elses'].sort());
});
