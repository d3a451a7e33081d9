import { ExtentSet } from '../disks/extent-set.ts';
import { PagedLeaves } from '../disks/paged-leaves.ts';
import { goThrough, type JournalRecord } from './journal-records.ts';

/**
 * What counts of a journal's records: of each extent the last one, and behind it its proof, if it has one that counts.
 * @param records gone through twice, whatever they are about
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
  const disks = new Map([...counts].map(([disk, count]) => [disk, new LatestOfDisk(disk, count)]));
  try {
    await goThrough(records, onWork, (record) => disks.get(record.disk)?.note(record, proofs_count));
    for (const disk of disks.values()) yield disk.records();
  } finally {
    for (const disk of disks.values()) disk.close();
  }
}

class LatestOfDisk {
  readonly #disk: number;
  readonly #leaves: PagedLeaves;
  readonly #known: ExtentSet;
  readonly #proved: ExtentSet;

  constructor(disk: number, count: number) {
    this.#disk = disk;
    this.#leaves = new PagedLeaves(count);
    this.#known = new ExtentSet(count, false);
    this.#proved = new ExtentSet(count, false);
  }

  note({ index, leaf, proved }: JournalRecord, proofs_count: boolean): void {
    if (proved === true) {
      if (proofs_count && this.#known.has(index) && this.#leaves.holds(index, leaf)) this.#proved.add(index);
      return;
    }
    this.#leaves.set(index, leaf);
    this.#known.add(index);
    this.#proved.delete(index);
  }

  *records(): Generator<JournalRecord> {
    for (let index = 0; index < this.#leaves.count; index += 1) {
      if (!this.#known.has(index)) continue;
      const record = { disk: this.#disk, index, leaf: this.#leaves.get(index) };
      yield record;
      if (this.#proved.has(index)) yield { ...record, proved: true };
    }
  }

  close(): void {
    this.#leaves.close();
  }
}
