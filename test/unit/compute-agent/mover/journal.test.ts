import { appendFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  Journal,
  readJournal,
  type JournalRecord,
} from '../../../../services/compute-agent/mover/receiver/journal.ts';

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
  return journal === null ? null : [...journal.records];
}

describe('Journal', () => {
  test('gives back what was appended', async () => {
    await write([record(1), record(2)]);
    expect(await recordsRead()).toEqual([record(1), record(2)]);
    expect((await readJournal(path, 'm-1'))?.subject).toMatchObject(subject);
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
