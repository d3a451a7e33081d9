import { createHash } from 'node:crypto';
import { mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { FileDigests } from '../../../services/compute-agent/images/file-digests.ts';

let folder: string;
let path: string;
/** Called for each block that is really read. */
const atWork = vi.fn();
const asker = { signal: new AbortController().signal, atWork };
const sha512 = (content: string) => createHash('sha512').update(content).digest('hex');
const open = () => new FileDigests(join(folder, 'digests.json'));

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'drover-digests-'));
  path = join(folder, 'file');
  atWork.mockClear();
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Reads until what was found is kept: not while the file is as young as the kernel's clock is coarse. */
async function readOnce(digests: FileDigests): Promise<void> {
  await vi.waitUntil(
    async () => {
      atWork.mockClear();
      await digests.digest(path, null, asker);
      return atWork.mock.calls.length === 0;
    },
    { timeout: 5000, interval: 5 },
  );
}

test('a file is read once, even by the next process', async () => {
  writeFileSync(path, 'content');
  await readOnce(open());
  expect(await open().digest(path, null, asker)).toBe(sha512('content'));
  expect(atWork).not.toHaveBeenCalled();
});

test.each<[string, () => void, string]>([
  ['written to', () => writeFileSync(path, 'CONTENT'), 'CONTENT'],
  ['longer', () => writeFileSync(path, 'content and more'), 'content and more'],
  [
    'another file with the same size and time',
    () => {
      writeFileSync(`${path}.other`, 'CONTENT');
      utimesSync(`${path}.other`, new Date(0), new Date(0));
      renameSync(`${path}.other`, path);
    },
    'CONTENT',
  ],
  [
    'written to, and its time set back',
    () => {
      writeFileSync(path, 'CONTENT');
      utimesSync(path, new Date(0), new Date(0));
    },
    'CONTENT',
  ],
])('a file that is %s is read again', async (_, change, content) => {
  const digests = open();
  writeFileSync(path, 'content');
  utimesSync(path, new Date(0), new Date(0));
  await readOnce(digests);
  change();
  expect(await digests.digest(path, null, asker)).toBe(sha512(content));
});

test('a change within one tick of the clock is not overlooked', async () => {
  const digests = open();
  for (let turn = 0; turn < 50; turn += 1) {
    writeFileSync(path, `content ${turn % 10}`);
    expect(await digests.digest(path, null, asker)).toBe(sha512(`content ${turn % 10}`));
  }
});

test('a record that cannot be written costs reading, nothing else', async () => {
  writeFileSync(path, 'content');
  const digests = new FileDigests(join(folder, 'not', 'there'));
  await digests.remember(path, sha512('content'));
  expect(await digests.digest(path, null, asker)).toBe(sha512('content'));
});

test('a damaged record costs reading, nothing else', async () => {
  writeFileSync(path, 'content');
  writeFileSync(join(folder, 'digests.json'), '[["x"');
  expect(await open().digest(path, null, asker)).toBe(sha512('content'));
  for (const damaged of ['[[1],null,{"a":2}]', JSON.stringify([[`${path}\n`, null]])]) {
    writeFileSync(join(folder, 'digests.json'), damaged);
    const digests = open();
    expect(await digests.digest(path, null, asker)).toBe(sha512('content'));
    await digests.forget(path);
  }
});

test('what was noted while it was written is not read', async () => {
  writeFileSync(path, 'content');
  const digests = open();
  await digests.remember(path, sha512('content'));
  expect(await digests.digest(path, null, asker)).toBe(sha512('content'));
  expect(atWork).not.toHaveBeenCalled();
});
