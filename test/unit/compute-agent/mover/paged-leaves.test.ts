import { mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LEAF_BYTES } from '../../../../services/compute-agent/mover/disks/extents.ts';
import { PAGE_BYTES, PageStore } from '../../../../services/compute-agent/mover/disks/page-store.ts';
import { PagedLeaves } from '../../../../services/compute-agent/mover/disks/paged-leaves.ts';
import { SpillFailure } from '../../../../services/compute-agent/mover/disks/spill-file.ts';

const PER_PAGE = PAGE_BYTES / LEAF_BYTES;
const leaf = (byte: number): Buffer => Buffer.alloc(LEAF_BYTES, byte);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'drover-pages-'));
});
afterEach(() => {
  expect(readdirSync(folder)).toEqual([]);
  expect(openSpillFiles()).toEqual([]);
  rmSync(folder, { recursive: true });
});

/** Files of the folder that this process has open, by name or without. */
function openSpillFiles(): readonly string[] {
  return readdirSync('/proc/self/fd').flatMap((file) => {
    try {
      const path = readlinkSync(join('/proc/self/fd', file));
      return path.startsWith(`${folder}/`) ? [path] : [];
    } catch {
      return [];
    }
  });
}

function storeOf(pages: number): PageStore {
  const store = new PageStore(pages * PAGE_BYTES);
  store.spillInto(folder);
  return store;
}

/** One table and what it must say; how many leaves it has, and whether it was closed. */
interface Both {
  paged: PagedLeaves;
  plain: Buffer;
  closed: boolean;
}

const TABLES = 3;
const COUNT_MAX = 6 * PER_PAGE;
const table = fc.nat(TABLES - 1);
/** Where pages meet more often than elsewhere. */
const place = fc.oneof(
  fc.nat(COUNT_MAX - 1),
  fc.tuple(fc.nat(5), fc.constantFrom(0, 1, PER_PAGE - 1)).map(([page, at]) => page * PER_PAGE + at),
);
/** Often of two tables that can be compared. */
const count = fc.oneof(fc.constant(4 * PER_PAGE), fc.integer({ min: 1, max: 5 * PER_PAGE }));
const operation = fc.oneof(
  { arbitrary: fc.record({ do: fc.constant('set' as const), table, place, byte: fc.nat(3) }), weight: 8 },
  { arbitrary: fc.record({ do: fc.constant('get' as const), table, place }), weight: 4 },
  {
    arbitrary: fc.record({ do: fc.constant('grow' as const), table, more: fc.nat(2 * PER_PAGE) }),
    weight: 1,
  },
  { arbitrary: fc.record({ do: fc.constant('compare' as const), table, other: table }), weight: 3 },
  { arbitrary: fc.record({ do: fc.constant('read' as const), table }), weight: 1 },
  { arbitrary: fc.record({ do: fc.constant('zero' as const), table, page: fc.nat(5) }), weight: 1 },
  { arbitrary: fc.record({ do: fc.constant('close' as const), table }), weight: 1 },
);

type Step = typeof operation extends fc.Arbitrary<infer Value> ? Value : never;

test('leaves in pages that come and go are what leaves in memory are, whatever is done', () => {
  let spilled_once = false;
  fc.assert(
    fc.property(
      fc.integer({ min: 2, max: 5 }),
      fc.array(count, { minLength: TABLES, maxLength: TABLES }),
      fc.array(operation, { maxLength: 120 }),
      (pages, counts, operations) => {
        const store = storeOf(pages);
        const tables = counts.map((count): Both => ({
          paged: new PagedLeaves(count, store),
          plain: Buffer.alloc(count * LEAF_BYTES),
          closed: false,
        }));
        for (const step of operations) {
          const both = tables[step.table]!;
          follow(step, both, tables);
          spilled_once ||= store.spilled_bytes > 0;
          expect(store.memory_bytes).toBeLessThanOrEqual(pages * PAGE_BYTES);
          expect(readdirSync(folder)).toEqual([]);
        }
        for (const { paged, plain } of tables)
          expect(Buffer.concat([...copies(paged)]).equals(plain)).toBe(true);
        for (const { paged } of tables) paged.close();
        expect([store.resident_bytes, store.spilled_bytes]).toEqual([0, 0]);
      },
    ),
    { numRuns: 150 },
  );
  expect(spilled_once).toBe(true);
});

function* copies(leaves: PagedLeaves): Generator<Buffer> {
  for (const piece of leaves.inOrder()) yield Buffer.from(piece);
}

function follow(step: Step, both: Both, tables: readonly Both[]): void {
  const count = both.plain.length / LEAF_BYTES;
  const at = 'place' in step ? step.place % count : 0;
  const there = both.plain.subarray(at * LEAF_BYTES, (at + 1) * LEAF_BYTES);
  switch (step.do) {
    case 'set':
      both.paged.set(at, leaf(step.byte));
      if (!both.closed) there.set(leaf(step.byte));
      return;
    case 'get':
      expect(both.paged.get(at)).toEqual(there);
      for (const byte of [0, 1]) expect(both.paged.holds(at, leaf(byte))).toBe(there.equals(leaf(byte)));
      return;
    case 'grow': {
      const grown = both.paged.grown(count + step.more);
      both.paged.set(at, leaf(9));
      expect(both.paged.holds(at, leaf(0))).toBe(true);
      both.paged = grown;
      both.plain = Buffer.concat([both.plain, Buffer.alloc(step.more * LEAF_BYTES)]);
      both.closed = false;
      return;
    }
    case 'compare': {
      const other = tables[step.other]!;
      if (other.plain.length !== both.plain.length) return;
      const first = Array.from({ length: count }, (_, index) => index * LEAF_BYTES).find(
        (offset) =>
          both.plain.compare(other.plain, offset, offset + LEAF_BYTES, offset, offset + LEAF_BYTES) !== 0,
      );
      expect(both.paged.firstDifference(other.paged)).toBe(first === undefined ? null : first / LEAF_BYTES);
      return;
    }
    case 'read':
      expect(Buffer.concat([...copies(both.paged)]).equals(both.plain)).toBe(true);
      return;
    case 'zero':
      for (
        let index = step.page * PER_PAGE;
        index < Math.min((step.page + 1) * PER_PAGE, count);
        index += 1
      ) {
        both.paged.set(index, leaf(0));
        if (!both.closed) both.plain.fill(0, index * LEAF_BYTES, (index + 1) * LEAF_BYTES);
      }
      return;
    case 'close':
      both.paged.close();
      both.closed = true;
      both.plain.fill(0);
      return;
    default:
      step satisfies never;
  }
}

describe('leaves', () => {
  test('of zeros take no memory', () => {
    const store = storeOf(2);
    const leaves = new PagedLeaves(1_000_000, store);
    for (let index = 0; index < leaves.count; index += PER_PAGE / 2) leaves.set(index, leaf(0));
    expect([...copies(leaves)].every((piece) => piece.equals(Buffer.alloc(piece.length)))).toBe(true);
    expect(store.memory_bytes).toBe(0);
  });

  test('that are zeros again take no place in the file', () => {
    const store = storeOf(2);
    const leaves = new PagedLeaves(8 * PER_PAGE, store);
    for (const byte of [1, 0])
      for (let page = 0; page < 8; page += 1) leaves.set(page * PER_PAGE, leaf(byte));
    expect(store.spilled_bytes).toBeLessThanOrEqual(2 * PAGE_BYTES);
    leaves.close();
  });

  test('that were got stay what they were', () => {
    const store = storeOf(2);
    const leaves = new PagedLeaves(8 * PER_PAGE, store);
    leaves.set(0, leaf(1));
    const got = leaves.get(0);
    for (let page = 0; page < 8; page += 1) leaves.set(page * PER_PAGE, leaf(2));
    expect(got).toEqual(leaf(1));
    leaves.close();
  });

  test('of two tables stay while they are compared, though the page that is there is next to go', () => {
    const store = storeOf(2);
    const tables = [1, 2, 3].map((byte) => {
      const leaves = new PagedLeaves(1, store);
      leaves.set(0, leaf(byte));
      return leaves;
    });
    const [first, second, third] = tables;
    // The first one's page is in the file now, and the others' are both in use.
    expect(third!.get(0)).toEqual(leaf(3));
    expect(second!.firstDifference(first!)).toBe(0);
    for (const leaves of tables) leaves.close();
  });

  test('are not set beyond their end', () => {
    const leaves = new PagedLeaves(3, storeOf(2));
    expect(() => leaves.set(3, leaf(1))).toThrow(RangeError);
  });
});

describe('leaves that cannot be put into a file', () => {
  const full = (pages: number, into: string | null) => {
    const store = new PageStore(pages * PAGE_BYTES);
    store.spillInto(into);
    const leaves = new PagedLeaves(pages * PER_PAGE + 1, store);
    for (let page = 0; page < pages; page += 1) leaves.set(page * PER_PAGE, leaf(page + 1));
    return { store, leaves };
  };

  test.each([
    ['for nobody said where', null, 'no folder'],
    ['for there is no such folder', '/nowhere/drover-pages', 'ENOENT'],
  ])('%s: a failure that says so, and nothing is lost', (_, into, reason) => {
    const { store, leaves } = full(3, into);
    const more = (): void => leaves.set(3 * PER_PAGE, leaf(9));
    for (const _again of [1, 2]) {
      expect(more).toThrow(SpillFailure);
      expect(more).toThrow(reason);
    }
    for (let page = 0; page < 3; page += 1) expect(leaves.get(page * PER_PAGE)).toEqual(leaf(page + 1));
    expect(leaves.get(3 * PER_PAGE)).toEqual(leaf(0));
    // It can be tried again when there is room.
    store.spillInto(folder);
    more();
    for (const [page, byte] of [1, 2, 3, 9].entries())
      expect(leaves.get(page * PER_PAGE)).toEqual(leaf(byte));
    leaves.close();
  });

  test('in a folder that is gone when the file is there already: it needs no folder any more', () => {
    const gone = join(folder, 'gone');
    mkdirSync(gone);
    const { store, leaves } = full(3, gone);
    leaves.set(3 * PER_PAGE, leaf(4));
    rmSync(gone, { recursive: true });
    for (let page = 0; page < 4; page += 1) expect(leaves.get(page * PER_PAGE)).toEqual(leaf(page + 1));
    expect(store.spilled_bytes).toBeGreaterThan(0);
    leaves.close();
  });
});
