import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import {
  ExtentLayout,
  leafOf,
  UNKNOWN_LEAF,
} from '../../../../services/compute-agent/mover/disks/extents.ts';
import type { ExtentAddress } from '../../../../services/compute-agent/mover/protocol.ts';
import { Checkpoints } from '../../../../services/compute-agent/mover/receiver/checkpoints.ts';
import { Journal, readJournal } from '../../../../services/compute-agent/mover/receiver/journal.ts';
import { heldExtents } from './support/held-extents.ts';

const MEBIBYTE = 1024 * 1024;
const layout = new ExtentLayout(8 * MEBIBYTE);
const subject = { migration_id: randomUUID(), disks: [{ name: 'disk', size_bytes: layout.size_bytes }] };
const OLD = leafOf(Buffer.from('old'));
const NEW = leafOf(Buffer.from('new'));

let root: string;
let journal: Journal;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'drover-checkpoints-'));
  journal = await Journal.create(join(root, 'journal'), subject, []);
});
afterEach(async () => {
  await journal.close();
  rmSync(root, { recursive: true });
});

/** A disk whose first flush ends when it is told to. */
function heldDisk() {
  const { promise: flushing, resolve: isFlushing } = Promise.withResolvers<void>();
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const disk = {
    name: 'disk',
    flush: (): Promise<void> => {
      isFlushing();
      return released;
    },
  };
  return { disk, flushing, release };
}

async function leavesInJournal(): Promise<readonly Buffer[]> {
  const known = await readJournal(join(root, 'journal'), subject.migration_id);
  if (known === null) throw new Error('no journal');
  const { leaves } = await heldExtents(known, 0, layout);
  return Array.from({ length: layout.count }, (_, index) => leaves.get(index));
}

test('an extent that is written over while it is made durable is not held with its old leaf', async () => {
  const { disk, flushing, release } = heldDisk();
  const told: ExtentAddress[] = [];
  const { promise: durable, resolve: isDurable } = Promise.withResolvers<void>();
  const checkpoints = new Checkpoints({
    journal,
    disks: [disk],
    total_bytes: layout.size_bytes,
    onDurable: (extents) => {
      told.push(...extents);
      isDurable();
    },
    onFailure: (error) => expect.unreachable(String(error)),
  });
  // The fourth MiB fills a checkpoint.
  for (const index of [0, 1, 2, 3]) checkpoints.note({ disk: 0, index, leaf: OLD }, MEBIBYTE);
  await flushing;
  await checkpoints.forget({ disk: 0, index: 1 }, true);
  release();
  await durable;
  // The receiver breaks here: the new content may be in the file, or half of it.
  expect(told.map(({ index }) => index)).toEqual([0, 2, 3]);
  expect((await leavesInJournal()).slice(0, 4)).toEqual([OLD, UNKNOWN_LEAF, OLD, OLD]);
  checkpoints.note({ disk: 0, index: 1, leaf: NEW }, MEBIBYTE);
  await checkpoints.settle();
  expect((await leavesInJournal()).slice(0, 4)).toEqual([OLD, NEW, OLD, OLD]);
});

test('an extent that is written over before its checkpoint is in it once, with its new leaf', async () => {
  const disk = { name: 'disk', flush: () => Promise.resolve() };
  const checkpoints = new Checkpoints({
    journal,
    disks: [disk],
    total_bytes: layout.size_bytes,
    onDurable: () => undefined,
    onFailure: (error) => expect.unreachable(String(error)),
  });
  checkpoints.note({ disk: 0, index: 5, leaf: OLD }, MEBIBYTE);
  await checkpoints.forget({ disk: 0, index: 5 }, true);
  checkpoints.note({ disk: 0, index: 5, leaf: NEW }, MEBIBYTE);
  await checkpoints.settle();
  const known = await readJournal(join(root, 'journal'), subject.migration_id);
  expect(Array.from(known?.records ?? [], ({ leaf }) => Buffer.from(leaf))).toEqual([UNKNOWN_LEAF, NEW]);
});

test('what the sender hears of is in the file, and in the journal, and both were flushed: in this order', async () => {
  const done: string[] = [];
  const noting = (name: string, work: () => Promise<void>) => async (): Promise<void> => {
    await work();
    done.push(name);
  };
  const [append, flush] = [journal.append.bind(journal), journal.flush.bind(journal)];
  vi.spyOn(journal, 'append').mockImplementation((records) => noting('journal', () => append(records))());
  vi.spyOn(journal, 'flush').mockImplementation(noting('journal flushed', flush));
  const { promise: told, resolve } = Promise.withResolvers<void>();
  const checkpoints = new Checkpoints({
    journal,
    disks: [{ name: 'disk', flush: noting('disk flushed', () => Promise.resolve()) }],
    total_bytes: layout.size_bytes,
    onDurable: () => {
      done.push('told');
      resolve();
    },
    onFailure: (error) => expect.unreachable(String(error)),
  });
  checkpoints.note({ disk: 0, index: 0, leaf: OLD }, 8 * MEBIBYTE);
  await told;
  expect(done).toEqual(['disk flushed', 'journal', 'journal flushed', 'told']);
  checkpoints.stop();
});

test('what a checkpoint fails with is heard at once, and by the next who asks', async () => {
  const disk = { name: 'disk', flush: () => Promise.reject(new Error('the disk is gone')) };
  const { promise: failed, resolve } = Promise.withResolvers<unknown>();
  const checkpoints = new Checkpoints({
    journal,
    disks: [disk],
    total_bytes: layout.size_bytes,
    onDurable: () => expect.unreachable('nothing is durable'),
    onFailure: resolve,
  });
  checkpoints.check();
  checkpoints.note({ disk: 0, index: 0, leaf: OLD }, 8 * MEBIBYTE);
  expect(await failed).toMatchObject({ message: 'the disk is gone', disk: 'disk' });
  expect(() => checkpoints.check()).toThrow('the disk is gone');
  expect(checkpoints.failed).toBe(true);
  checkpoints.stop();
  expect((await leavesInJournal()).every((leaf) => leaf.every((byte) => byte === 0))).toBe(true);
});
