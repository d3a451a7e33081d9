import { join } from 'node:path';
import { ExtentSet } from '../disks/extent-set.ts';
import type { CpuShare } from '../cpu-share.ts';
import { RereadDisk } from '../disks/reread-disk.ts';
import { onDisk } from './failures.ts';
import type { Journal, JournalRecord } from './journal.ts';
import type { StagedDisk } from './staged-disk.ts';

const RECORDS_PER_WRITE = 256;

/** Which extents of one disk were read again since they were written, and which are still to be. */
export class DiskProofs {
  #proved: ExtentSet;
  /** Written in this session and not read again. */
  #unread: ExtentSet;
  #count: number;

  /** @param proved of earlier sessions, as the journal has them */
  constructor(proved: ExtentSet, count: number) {
    this.#proved = proved;
    this.#unread = new ExtentSet(count, false);
    this.#count = count;
  }

  isProved(index: number): boolean {
    return this.#proved.has(index);
  }

  /** The extent is about to be written over. */
  noteWrite(index: number): void {
    this.#proved.delete(index);
    this.#unread.add(index);
  }

  /** @param last the extent that was the last: it may be longer now */
  grow(count: number, last: number): void {
    this.#proved = this.#proved.grown(count);
    this.#unread = this.#unread.grown(count);
    this.#count = count;
    if (last >= 0) this.#proved.delete(last);
  }

  /** Proved extents, to be noted in a new journal. */
  *records(disk: number, staged: StagedDisk): Generator<JournalRecord> {
    for (let index = 0; index < this.#count; index += 1) {
      if (!this.#proved.has(index) || staged.leaves.isUnknown(index)) continue;
      yield { disk, index, leaf: staged.leaves.get(index), proved: true };
    }
  }

  /**
   * Reads what was written again, from the disk. What does not hold what it should stays unproved: `verify` will find it
   * and name it.
   * @param onBytes hears of each extent
   * @throws the file system's errors
   */
  async *prove(
    disk: number,
    staged: StagedDisk,
    folder: string,
    onBytes: (bytes: number) => void,
  ): AsyncGenerator<JournalRecord> {
    let reading: RereadDisk | null = null;
    try {
      for (let index = 0; index < this.#count; index += 1) {
        if (!this.#unread.has(index)) continue;
        reading ??= await RereadDisk.open(join(folder, staged.name));
        const leaf = await reading.leaf(index);
        onBytes(staged.layout.length(index));
        this.#unread.delete(index);
        if (!staged.leaves.holds(index, leaf)) continue;
        this.#proved.add(index);
        yield { disk, index, leaf, proved: true };
      }
    } finally {
      await reading?.close();
    }
  }
}

/**
 * Reads again all that was written and not read again, and has the journal note what holds what it should.
 * @param options.onBytes hears of each extent
 * @throws DiskFailure
 */
export async function proveAll(
  disks: readonly StagedDisk[],
  proofs: readonly DiskProofs[],
  options: {
    readonly folder: string;
    readonly journal: Journal;
    readonly onBytes: (bytes: number) => void;
    readonly cpu: CpuShare;
  },
): Promise<void> {
  const { folder, journal, onBytes, cpu } = options;
  for (const [disk, staged] of disks.entries()) {
    await onDisk(staged.name, async () => {
      let batch: JournalRecord[] = [];
      for await (const record of proofs[disk]?.prove(disk, staged, folder, onBytes) ?? []) {
        await cpu.turn();
        batch.push(record);
        if (batch.length < RECORDS_PER_WRITE) continue;
        await journal.append(batch);
        batch = [];
      }
      await journal.append(batch);
    });
  }
}
