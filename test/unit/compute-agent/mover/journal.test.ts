import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open, type FileHandle } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ExtentLayout, UNKNOWN_LEAF } from '../../../../services/compute-agent/mover/disks/extents.ts';
import {
  Journal,
  readJournal,
  type JournalRecord,
} from '../../../../services/compute-agent/mover/receiver/journal.ts';
import { heldExtents } from './support/held-extents.ts';

const subject = { migration_id: 'm-1', disks: [{ name: 'disk', size_bytes: 99 }] };
const record = (index: number): JournalRecord => ({ disk: 0, index, leaf: Buffer.alloc(32, index) });

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'drover-journal-'));
  path = join(folder, 'journal');
});
afterEach(() => rmSync(folder, { recursive: true }));

async function write(records: readonly JournalRecord[]): Promise<void> {
  const journal = await Journal.create(path, subject, []);
  await journal.append(records);
  await journal.flush();
  await journal.close();
}

async function recordsRead(): Promise<JournalRecord[] | null> {
  const journal = await readJournal(path, 'm-1');
  if (journal === null) return null;
  const records: JournalRecord[] = [];
  for (const { leaf, ...address } of journal.records) records.push({ ...address, leaf: Buffer.from(leaf) });
  return records;
}

describe('Journal', () => {
  test('gives back what was appended', async () => {
    await write([record(1), record(2)]);
    expect(await recordsRead()).toEqual([record(1), record(2)]);
    expect((await readJournal(path, 'm-1'))?.subject).toMatchObject(subject);
  });

  test('gives back more than is read or written at once', async () => {
    const many = Array.from({ length: 10_000 }, (_, index) => record(index));
    await write(many);
    expect(await recordsRead()).toEqual(many);
  });

  test('a torn tail is cut off', async () => {
    await write([record(1), record(2)]);
    truncateSync(path, readFileSync(path).length - 1);
    expect(await recordsRead()).toEqual([record(1)]);
  });

  test('nothing after a damaged record is believed', async () => {
    await write([record(1), record(2), record(3)]);
    const bytes = readFileSync(path);
    bytes[bytes.length - 60] = (bytes[bytes.length - 60] ?? 0) ^ 1;
    writeFileSync(path, bytes);
    expect(await recordsRead()).toEqual([record(1)]);
  });

  test('rubbish behind the records does no harm', async () => {
    await write([record(1)]);
    appendFileSync(path, Buffer.alloc(1000, 7));
    expect(await recordsRead()).toEqual([record(1)]);
  });

  test.each([
    '',
    'no line',
    'not json\n',
    'null\n',
    '{"version":2}\n',
    '{"version":1,"migration_id":"m-1"}\n',
  ])('a file with %j is no journal', async (text) => {
    writeFileSync(path, text);
    expect(await recordsRead()).toBeNull();
  });

  test('another migration’s journal is no journal', async () => {
    await write([record(1)]);
    expect(await readJournal(path, 'm-2')).toBeNull();
  });

  test('a new journal replaces the old one with what it starts from', async () => {
    await write([record(1), record(2)]);
    const journal = await Journal.create(path, subject, [record(9)]);
    await journal.close();
    expect(await recordsRead()).toEqual([record(9)]);
  });
});

describe('proofs', () => {
  const layout = new ExtentLayout(4 * 1024 ** 2);
  const proof = (index: number): JournalRecord => ({ ...record(index), proved: true });
  const held = async () => {
    const content = await readJournal(path, 'm-1');
    if (content === null) throw new Error('no journal');
    return heldExtents(content, 0, layout);
  };
  const proved = async () => {
    const { proved: set } = await held();
    return [0, 1, 2, 3].filter((index) => set.has(index));
  };

  test('count for the leaf that they name, until the next record of their extent', async () => {
    await write([record(1), record(2), record(3), proof(1), proof(2), proof(3), record(2)]);
    expect(await proved()).toEqual([1, 3]);
    expect((await held()).leaves.get(2)).toEqual(record(2).leaf);
  });

  test('of another leaf than was written are none', async () => {
    await write([record(1), { ...proof(1), leaf: Buffer.alloc(32, 9) }, proof(2)]);
    expect(await proved()).toEqual([]);
  });

  test('of another boot of the host are none: what the page cache had may not have come to the disk', async () => {
    await write([record(1), proof(1)]);
    const text = readFileSync(path, 'latin1');
    writeFileSync(path, text.replace(/"boot_id":"./, '"boot_id":"x'), 'latin1');
    expect(await proved()).toEqual([]);
    expect((await held()).leaves.get(1)).toEqual(record(1).leaf);
  });

  test('of another disk are not this one’s', async () => {
    await write([record(1), { ...record(1), disk: 1 }, { ...proof(1), disk: 1 }]);
    expect(await proved()).toEqual([]);
  });
});

describe('a file system that fills up', () => {
  const full = Object.assign(new Error('no space left'), { code: 'ENOSPC' });

  type Write = (this: FileHandle, bytes: Buffer, from: number, length: number) => Promise<unknown>;

  /** From now on a write takes at most so many bytes, by its number; null: it fails. */
  async function limitWrites(limit: (place: number) => number | null): Promise<void> {
    const handle = await open(folder);
    const files = Object.getPrototypeOf(handle) as FileHandle;
    await handle.close();
    const write = Reflect.get(files, 'write') as unknown as Write;
    let place = 0;
    vi.spyOn(files, 'write').mockImplementation(function (this: FileHandle, bytes: Buffer, from = 0) {
      const most = limit(place++);
      if (most === null) return Promise.reject(full);
      return write.call(this, bytes, from, Math.min(most, bytes.length - from));
    } as FileHandle['write']);
  }
  afterEach(() => vi.restoreAllMocks());

  test('and takes a part of a record is given the rest', async () => {
    const journal = await Journal.create(path, subject, []);
    await limitWrites(() => 10);
    await Promise.all([journal.append([record(1), record(2)]), journal.append([record(3)])]);
    await journal.close();
    expect(await recordsRead()).toEqual([record(1), record(2), record(3)]);
  });

  test('leaves half a record, and nothing comes behind it', async () => {
    const journal = await Journal.create(path, subject, [record(1)]);
    await limitWrites((place) => (place === 1 ? null : 50));
    const appended = await Promise.allSettled([
      journal.append([record(2), record(3)]),
      journal.append([record(2)]),
    ]);
    expect(appended).toEqual([full, full].map((reason) => ({ status: 'rejected', reason })));
    await expect(journal.append([record(3)])).rejects.toBe(full);
    await journal.close();
    // The one that was written whole is true; the one that was not is none.
    expect(await recordsRead()).toEqual([record(1), record(2)]);
  });
});

describe('a journal that is written over and over', () => {
  const EXTENTS = 1000;
  const RECORD_BYTES = 42;
  const large = { migration_id: 'm-1', disks: [{ name: 'disk', size_bytes: EXTENTS * 1024 ** 2 }] };
  const layout = new ExtentLayout(EXTENTS * 1024 ** 2);
  const leaf = (round: number): Buffer => Buffer.alloc(32, round + 1);
  const roundOf = (round: number): JournalRecord[] =>
    Array.from({ length: EXTENTS }, (_, index): JournalRecord[] => [
      { disk: 0, index, leaf: UNKNOWN_LEAF },
      { disk: 0, index, leaf: leaf(round) },
    ]).flat();
  const held = async () => heldExtents((await readJournal(path, 'm-1'))!, 0, layout);

  test('stays as long as it may be, and says the same', async () => {
    const journal = await Journal.create(path, large, []);
    let longest = 0;
    for (let round = 0; round < 60; round += 1) {
      await journal.append(roundOf(round));
      longest = Math.max(longest, statSync(path).size);
    }
    // Left: one that is known and proved, one that is proved and was written over, one that nobody knows.
    await journal.append([
      { disk: 0, index: 1, leaf: leaf(59), proved: true },
      { disk: 0, index: 2, leaf: leaf(59), proved: true },
      { disk: 0, index: 2, leaf: UNKNOWN_LEAF },
      { disk: 0, index: EXTENTS + 5, leaf: leaf(1) },
    ]);
    const state = async () => {
      const { leaves, proved } = await held();
      return { root: leaves.root(), proved: [0, 1, 2].map((index) => proved.has(index)) };
    };
    const before = await state();
    expect(before.proved).toEqual([false, true, false]);
    const inode = statSync(path).ino;
    const others = Array.from({ length: 8000 }, () => ({ disk: 1, index: 0, leaf: leaf(0) }));
    for (let turn = 0; statSync(path).ino === inode; turn += 1) {
      expect(turn).toBeLessThan(20);
      await journal.append(others);
    }
    await journal.flush();
    await journal.close();
    expect(longest).toBeLessThan(100_000 * RECORD_BYTES);
    expect(statSync(path).size).toBeLessThan(2 * EXTENTS * RECORD_BYTES);
    expect(await state()).toEqual(before);
    const grown = (await recordsRead())?.filter(({ index }) => index === EXTENTS + 5);
    expect(grown).toEqual([{ disk: 0, index: EXTENTS + 5, leaf: leaf(1) }]);
    expect(readdirSync(folder)).toEqual(['journal']);
  });

  test('and cannot be written anew is as it was, and takes no more', async () => {
    const journal = await Journal.create(path, large, []);
    for (let round = 0; round < 32; round += 1) await journal.append(roundOf(round));
    mkdirSync(`${path}.new`);
    const appended = journal.append([...roundOf(32), ...roundOf(33)]);
    await expect(appended).rejects.toMatchObject({ code: 'EISDIR' });
    await expect(journal.append([record(1)])).rejects.toMatchObject({ code: 'EISDIR' });
    await journal.close();
    expect((await held()).leaves.get(7)).toEqual(leaf(33));
  });
});

describe('a journal that is reopened', () => {
  test('goes on after its last whole record', async () => {
    await write([record(1), record(2)]);
    appendFileSync(path, Buffer.alloc(17, 1));
    const journal = await Journal.reopen(path, 'm-1');
    await journal?.append([record(3)]);
    await journal?.close();
    expect(await recordsRead()).toEqual([record(1), record(2), record(3)]);
  });

  test('of another migration is none', async () => {
    await write([record(1)]);
    expect(await Journal.reopen(path, 'm-2')).toBeNull();
  });
});
