import { ExtentSet } from '../disks/data-map.ts';
import { LEAF_BYTES } from '../disks/extents.ts';
import { goThrough, type JournalRecord } from './journal-records.ts';

/** So much is in memory at once: two full disks of 1 TiB. A longer one takes what it takes, alone. */
const LEAVES_BYTES_MAX = 64 * 1024 * 1024;

/**
 * What counts of a journal's records: of each extent the last one, and behind it its proof, if it has one that counts.
 * As many disks together as fit in memory.
 * @param records gone through once for all disks, and once for those that fit together
 * @param options.onWork hears of it again and again
 */
export async function* latestRecords(
  records: Iterable<JournalRecord>,
  options: { readonly proofs_count: boolean; readonly onWork: () => void },
): AsyncGenerator<Iterable<JournalRecord>> {
  const { proofs_count, onWork } = options;
  // Not what the journal's first line says: disks grow between rounds.
  const counts = new Map<number, number>();
  await goThrough(records, onWork, ({ disk, index }) => {
    counts.set(disk, Math.max(counts.get(disk) ?? 0, index + 1));
  });
  for (const group of inGroups(counts)) {
    const disks = new Map(group.map(([disk, count]) => [disk, new LatestOfDisk(disk, count)]));
    await goThrough(records, onWork, (record) => disks.get(record.disk)?.note(record, proofs_count));
    for (const disk of disks.values()) yield disk.records();
  }
}

type DiskCount = readonly [disk: number, count: number];

function inGroups(counts: Iterable<DiskCount>): readonly DiskCount[][] {
  const groups: DiskCount[][] = [];
  let bytes = Infinity;
  for (const [disk, count] of counts) {
    bytes += count * LEAF_BYTES;
    if (bytes > LEAVES_BYTES_MAX) {
      groups.push([]);
      bytes = count * LEAF_BYTES;
    }
    groups.at(-1)?.push([disk, count]);
  }
  return groups;
}

class LatestOfDisk {
  readonly #disk: number;
  readonly #count: number;
  readonly #leaves: Buffer;
  readonly #known: ExtentSet;
  readonly #proved: ExtentSet;

  constructor(disk: number, count: number) {
    this.#disk = disk;
    this.#count = count;
    this.#leaves = Buffer.alloc(count * LEAF_BYTES);
    this.#known = new ExtentSet(count, false);
    this.#proved = new ExtentSet(count, false);
  }

  #leafOf(index: number): Buffer {
    return this.#leaves.subarray(index * LEAF_BYTES, (index + 1) * LEAF_BYTES);
  }

  note({ index, leaf, proved }: JournalRecord, proofs_count: boolean): void {
    if (proved === true) {
      if (proofs_count && this.#known.has(index) && this.#leafOf(index).equals(leaf)) this.#proved.add(index);
      return;
    }
    leaf.copy(this.#leaves, index * LEAF_BYTES);
    this.#known.add(index);
    this.#proved.delete(index);
  }

  *records(): Generator<JournalRecord> {
    for (let index = 0; index < this.#count; index += 1) {
      if (!this.#known.has(index)) continue;
      const record = { disk: this.#disk, index, leaf: this.#leafOf(index) };
      yield record;
      if (this.#proved.has(index)) yield { ...record, proved: true };
    }
  }
}
