import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ExtentLayout } from '../../../../services/compute-agent/mover/disks/extents.ts';
import { LeafTable } from '../../../../services/compute-agent/mover/disks/leaf-table.ts';
import { noteHeld, nothingHeld } from '../../../../services/compute-agent/mover/receiver/held-extents.ts';
import {
  Journal,
  readJournal,
  type JournalRecord,
} from '../../../../services/compute-agent/mover/receiver/journal.ts';
import { heldExtents } from './support/held-extents.ts';

let root: string;
let path: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'drover-journal-'));
  path = join(root, 'journal');
});
afterEach(() => rmSync(root, { recursive: true }));

describe('a journal of many disks', () => {
  const EXTENTS = 6000;
  const layout = new ExtentLayout(EXTENTS * 1024 ** 2);
  const leaf = (disk: number, index: number): Buffer => Buffer.alloc(32, (disk * 7 + index) % 250);
  const subject = {
    migration_id: 'm-1',
    disks: [0, 1, 2].map((disk) => ({ name: `disk.${disk}`, size_bytes: layout.size_bytes })),
  };
  /** Mixed, as extents of disks that are sent together come. */
  function* records(): Generator<JournalRecord> {
    for (let index = 0; index < EXTENTS; index += 1) {
      for (const disk of [0, 1, 2]) yield { disk, index, leaf: leaf(disk, index) };
      if (index % 2 === 0) yield { disk: 1, index, leaf: leaf(1, index), proved: true };
    }
  }

  test('is gone through once, says of each what was noted, and lets others have their turns', async () => {
    await (await Journal.create(path, subject, records())).close();
    const content = (await readJournal(path, 'm-1'))!;
    let passes = 0;
    const counted = {
      ...content,
      records: {
        [Symbol.iterator]: () => {
          passes += 1;
          return content.records[Symbol.iterator]();
        },
      },
    };
    const [first, second, third] = [0, 1, 2].map(() => nothingHeld(new LeafTable(layout)));
    let signs = 0;
    let turns = 0;
    setImmediate(() => (turns += 1));
    // What it says of the first one does not count.
    await noteHeld(counted, [null, second!, third!], () => (signs += 1));
    expect(passes).toBe(1);
    expect(signs).toBe(1);
    expect(turns).toBe(1);
    expect(first!.leaves.isZero(3)).toBe(true);
    expect(second!.leaves.get(3)).toEqual(leaf(1, 3));
    expect(third!.leaves.get(EXTENTS - 1)).toEqual(leaf(2, EXTENTS - 1));
    expect([2, 3].map((index) => second!.proved.has(index))).toEqual([true, false]);
    expect(third!.proved.has(2)).toBe(false);
  });

  test('says the same of each when it was written anew, and its renewal is heard of', async () => {
    let signs = 0;
    const journal = await Journal.create(path, subject, records(), () => (signs += 1));
    const first_bytes = statSync(path).size;
    let signs_before = signs;
    for (let bytes = 0; statSync(path).size > bytes;) {
      bytes = statSync(path).size;
      signs_before = signs;
      await journal.append(records());
    }
    await journal.close();
    expect(statSync(path).size).toBe(first_bytes);
    // While it is read, and while it is written.
    expect(signs).toBeGreaterThan(signs_before + 10);
    const content = (await readJournal(path, 'm-1'))!;
    for (const disk of [0, 1, 2]) {
      const held = await heldExtents(content, disk, layout);
      expect(held.leaves.get(5)).toEqual(leaf(disk, 5));
      expect(held.leaves.get(EXTENTS - 1)).toEqual(leaf(disk, EXTENTS - 1));
      expect(held.proved.has(4)).toBe(disk === 1);
    }
  });
});
