import { randomBytes } from 'node:crypto';
import { readdirSync, writeFileSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { TransferRun } from '../../../services/compute-agent/mover/sender/transfer-run.ts';
import { admit, startPair, verified, watching, type Pair } from './support/pair.ts';

const MEBIBYTE = 1024 * 1024;
const BROKEN_AT = 5 * MEBIBYTE;

let pair: Pair;
beforeAll(async () => {
  pair = await startPair();
  writeFileSync(join(pair.source, 'whole'), randomBytes(2 * MEBIBYTE));
  writeFileSync(join(pair.source, 'broken'), randomBytes(8 * MEBIBYTE));
});
afterEach(() => vi.restoreAllMocks());
afterAll(() => pair.close());

type Read = (this: FileHandle, memory: Buffer, at: number, length: number, position: number) => unknown;

/** As a disk with a bad sector there says it. */
async function breakSector(): Promise<void> {
  const handle = await open(pair.source);
  const files = Object.getPrototypeOf(handle) as FileHandle;
  await handle.close();
  const read = Reflect.get(files, 'read') as unknown as Read;
  const failure = Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' });
  vi.spyOn(files, 'read').mockImplementation(function (this: FileHandle, ...arguments_: Parameters<Read>) {
    const [, , length, position] = arguments_;
    if (position <= BROKEN_AT && BROKEN_AT < position + length) return Promise.reject(failure);
    return read.apply(this, arguments_);
  } as unknown as FileHandle['read']);
}

test('a disk that cannot be read ends the copy at once, named; what has come lies in the staging folder alone', async () => {
  const admitted = await admit(pair, ['whole', 'broken']);
  const run = new TransferRun(admitted.transfer);
  await breakSector();
  await expect(run.send()).rejects.toMatchObject({
    code: 'mover_read_failed',
    values: { disk: 'broken', reason: 'EIO: i/o error, read' },
  });
  vi.restoreAllMocks();
  await pair.admission.withdraw(admitted.id);
  expect(readdirSync(join(pair.root, 't', 'mover', 'journals'))).toEqual([]);
  expect(readdirSync(join(pair.root, 't', 'mover', 'admissions'))).toEqual([]);
  expect(readdirSync(admitted.folder).toSorted()).toEqual(['broken', 'whole']);
});

test('one that can be read again is gone on with', async () => {
  const admitted = await admit(pair, ['whole', 'broken']);
  await breakSector();
  await expect(new TransferRun(admitted.transfer).send()).rejects.toMatchObject({
    code: 'mover_read_failed',
  });
  vi.restoreAllMocks();
  const { digests } = await pair.senders.send(admitted.transfer, watching());
  expect(await verified(pair, admitted)).toMatchObject({ digests, damaged: [] });
  await pair.admission.withdraw(admitted.id);
});
