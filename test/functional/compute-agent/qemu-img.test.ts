import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { compareDisks, convertDisk } from '../../../services/compute-agent/images/qemu-img.ts';
import { HOST } from '../../unit/compute-agent/samples.ts';
import { flipBit } from './disk-images.ts';

const MEBIBYTE = 1024 ** 2;
let folder: string;
let source: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'drover-qemu-'));
  source = join(folder, 'source');
  writeFileSync(source, randomBytes(64 * MEBIBYTE));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Processes that have a file of the test's folder open. */
const readers = () =>
  readdirSync('/proc').filter((pid) => {
    try {
      return readdirSync(`/proc/${pid}/fd`).some((fd) =>
        readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith(folder),
      );
    } catch {
      return false;
    }
  });

test('a conversion that nobody wants any more has ended when it is given up', async () => {
  const abort = new AbortController();
  const target = join(folder, 'target');
  const converting = convertDisk({
    source,
    source_format: 'raw',
    target,
    target_format: 'qcow2',
    host: HOST,
    asker: { signal: abort.signal, atWork: () => undefined },
    onPart: (part) => {
      if (part < 1) abort.abort(new Error('called back'));
    },
  });
  await expect(converting).rejects.toThrow('called back');
  expect(readers()).toEqual([]);
});

test('two views are compared from the disk: where they differ is told', async () => {
  const other = join(folder, 'other');
  writeFileSync(other, readFileSync(source));
  const asker = { signal: new AbortController().signal, atWork: () => undefined };
  const both = {
    one: { path: source, format: 'raw' },
    other: { path: other, format: 'raw' },
    host: HOST,
    asker,
  } as const;
  expect(await compareDisks(both)).toBeNull();
  flipBit(other, 5 * MEBIBYTE);
  expect(await compareDisks(both)).toMatch(/mismatch at offset 5242880/);
});
