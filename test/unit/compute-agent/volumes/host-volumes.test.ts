import { beforeEach, describe, expect, test } from 'vitest';
import type { FolderRole, InstanceMark } from '../../../../services/compute-agent/folders/mark.ts';
import { HostVolumes } from '../../../../services/compute-agent/volumes/host-volumes.ts';
import type { InstanceId } from '../../../../shared/domain/ids.ts';
import { HOST, newInstanceId, sampleSpec } from '../samples.ts';
import { GROUP, VolumesInMemory } from './volumes-in-memory.ts';

const OURS = `drover.${HOST}`;
const id = newInstanceId();
const name = `${id}_disk`;
const volume = { group: GROUP, name, size_bytes: 8 };

let marks: InstanceMark[];
let volumes: VolumesInMemory;
let host: HostVolumes;
beforeEach(() => {
  marks = [];
  volumes = new VolumesInMemory(40);
  const folders = {
    known: (role: FolderRole) => marks.filter((mark) => mark.role === role),
    folder: (instance: InstanceId, role: FolderRole) => `/instances/${instance}/${role}`,
  };
  host = new HostVolumes({ host: HOST, volumes, folders });
});

const markOf = (change: Partial<InstanceMark>, instance = id): InstanceMark => ({
  instance_id: instance,
  migration_id: null,
  epoch: 1,
  role: 'staging',
  spec: sampleSpec(instance),
  disks: [{ name: 'disk', format: 'qcow2', backing: null }],
  reserved_bytes: 0,
  ...change,
});
const planning = (size_bytes: number, instance = newInstanceId()) =>
  markOf(
    {
      conversions: [
        { name: 'disk', format: 'raw', volume: { group: GROUP, name: `${instance}_disk`, size_bytes } },
      ],
    },
    instance,
  );
const keeping = (role: FolderRole) =>
  markOf({ role, disks: [{ name: 'disk', format: 'raw', backing: null, volume }] });

const none = () => Promise.resolve([]);
const others = () => new Promise((resolve) => setImmediate(resolve));

describe('planning', () => {
  test.each([
    [0, 4],
    [1, 4],
    [4, 4],
    [5, 8],
  ])('a disk of %i bytes gets whole extents: %i', async (size_bytes, expected) => {
    expect(await host.plan(GROUP, id, { name: 'disk', size_bytes })).toEqual({
      group: GROUP,
      name,
      size_bytes: expected,
    });
  });

  test.each([
    ['127 characters with each hyphen twice', GROUP, 'd'.repeat(127 - GROUP.length - 42), null],
    ['128', GROUP, 'd'.repeat(128 - GROUP.length - 42), /would have 128 characters .*127 are the most/],
    ['a group with hyphens', '-'.repeat(60), 'disk', /would have 166 characters/],
    ['a character that LVM has not', GROUP, 'disk:1', /letters, digits, and \+ _ \. - only/],
    ['a name that LVM gives itself', GROUP, 'disk_rimage_0', /kept for volumes that LVM makes itself/],
  ])('a name that LVM would refuse is refused before anything travels: %s', async (_, group, disk, wrong) => {
    const planned = host.plan(group, id, { name: disk, size_bytes: 1 });
    if (wrong === null) expect(await planned).toMatchObject({ name: `${id}_${disk}` });
    else
      await expect(planned).rejects.toMatchObject({
        code: 'disk_storage_unsupported',
        message: expect.stringMatching(wrong) as unknown,
      });
  });

  test('what is promised and what is made together never exceed the group', async () => {
    const admit = (mark: InstanceMark) => host.promising(mark, () => Promise.resolve(void marks.push(mark)));
    const first = planning(20);
    await admit(first);
    // At the same time: only one of them fits.
    const outcomes = await Promise.allSettled([admit(planning(16)), admit(planning(16))]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect(outcomes[1]).toMatchObject({
      reason: {
        code: 'host_disk_full',
        values: { asked_bytes: 16, free_bytes: 40, promised_bytes: 36, kept_bytes: 0 },
      },
    });
    expect(marks).toHaveLength(2);
    // Made now, and asked for again by an admit that came twice.
    volumes.put(first.conversions?.[0]?.volume?.name ?? '', OURS, 20);
    await host.promising(first, () => Promise.resolve());
    await expect(admit(planning(8))).rejects.toMatchObject({
      values: { promised_bytes: 16, free_bytes: 20 },
    });
    await admit(planning(4));
  });
});

describe('one at a time', () => {
  test('a turn that fails ends: the next one has its own', async () => {
    const list = volumes.list.bind(volumes);
    volumes.list = () => {
      volumes.list = list;
      return Promise.reject(new Error('it did not answer'));
    };
    const promise = (mark: InstanceMark) => host.promising(mark, () => Promise.resolve('promised'));
    const outcomes = await Promise.allSettled([
      promise(planning(4)),
      promise(planning(4)),
      host.make(id, volume),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
  });

  test('a volume that is made while room is counted counts once', async () => {
    const first = planning(20);
    marks.push(first);
    const promised = first.conversions?.[0]?.volume;
    if (promised === undefined) throw new Error('it promises none');
    const figures = volumes.figures.bind(volumes);
    const making: Promise<string>[] = [];
    volumes.figures = async () => {
      if (making.length === 0) making.push(host.make(id, promised));
      await others();
      return figures();
    };
    await host.promising(planning(20), () => Promise.resolve());
    await Promise.all(making);
    expect([...volumes.found.keys()]).toEqual([promised.name]);
  });

  test('a volume that is made anew while an old folder goes stays', async () => {
    volumes.put(name, OURS);
    const spawning = markOf({ role: 'home', conversions: [{ name: 'disk', format: 'raw', volume }] });
    const making: Promise<unknown>[] = [];
    await host.removeWith(keeping('withdrawn'), async () => {
      const there = [...marks];
      const promised = host.promising(spawning, () => Promise.resolve(void marks.push(spawning)));
      making.push(promised.then(() => host.make(id, volume)));
      await others();
      return there;
    });
    await Promise.all(making);
    expect(volumes.found.get(name)).toMatchObject({ size_bytes: 8 });
  });
});

test("a name that is another host's is refused before anything is promised", async () => {
  const mark = planning(4);
  volumes.put(mark.conversions?.[0]?.volume?.name ?? '', 'drover.other');
  let is_written = false;
  const write = () => Promise.resolve(void (is_written = true));
  await expect(host.promising(mark, write)).rejects.toMatchObject({ code: 'volume_not_ours' });
  expect(is_written).toBe(false);
});

describe('making', () => {
  test('a volume of an earlier try is made anew', async () => {
    volumes.put(name, OURS, 4);
    expect(await host.make(id, volume)).toBe(`/dev/${GROUP}/${name}`);
    expect(volumes.found.get(name)).toMatchObject({ size_bytes: 8, tags: [OURS] });
  });

  test.each([
    ["another host's", 'drover.other'],
    ['one of a host whose name only begins like ours', `${OURS}0`],
    ["an operator's", 'gold'],
    ['one without tags', ''],
  ])('%s is left alone', async (_, tag) => {
    volumes.put(name, tag);
    await expect(host.make(id, volume)).rejects.toMatchObject({
      code: 'volume_not_ours',
      values: { volume: `${GROUP}/${name}`, found: `its tags are "${tag}"` },
    });
    expect(volumes.found.get(name)).toMatchObject({ tags: [tag] });
  });

  test.each(['home', 'retired', 'withdrawn'] as const)(
    'one that holds the disk of a %s folder, too',
    async (role) => {
      volumes.put(name, OURS);
      marks.push(keeping(role));
      await expect(host.make(id, volume)).rejects.toMatchObject({ code: 'volume_not_ours' });
      expect(volumes.found.has(name)).toBe(true);
    },
  );
});

describe('removing', () => {
  test('what the mark names and is ours, and nothing else; twice', async () => {
    volumes.put(name, OURS);
    volumes.put(`${id}_other`, OURS);
    await host.removeWith(keeping('retired'), none);
    await host.removeWith(keeping('retired'), none);
    expect([...volumes.found.keys()]).toEqual([`${id}_other`]);
  });

  test('not what another folder of its instance names', async () => {
    volumes.put(name, OURS);
    await host.removeWith(keeping('withdrawn'), () => Promise.resolve([keeping('home')]));
    expect(volumes.found.has(name)).toBe(true);
  });

  test("not another host's", async () => {
    volumes.put(name, 'drover.other');
    await host.removeWith(keeping('retired'), none);
    expect(volumes.found.has(name)).toBe(true);
  });
});

test('what nobody names is told: ours only', async () => {
  marks.push(keeping('home'), planning(4));
  for (const [one, tag] of [
    [name, OURS],
    ['lost', OURS],
    ['foreign', 'drover.other'],
  ] as const)
    volumes.put(one, tag);
  const hidden = newInstanceId();
  volumes.put(`${hidden}_disk`, OURS);
  expect(await host.unnamed(GROUP)).toEqual(['lost', `${hidden}_disk`]);
  // A mark that nobody could read may name it.
  expect(await host.unnamed(GROUP, [hidden])).toEqual(['lost']);
});
