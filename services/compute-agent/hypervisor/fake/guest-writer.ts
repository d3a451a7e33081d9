import { createHash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import type { InstanceId } from '../../../../shared/domain/ids.ts';
import { sizeOf } from '../../mover/disks/data-map.ts';

export const GUEST_BLOCK_BYTES = 4096;
const TICK_MILLISECONDS = 100;
/** Programs write files, and file systems lay them out in runs: 1 MiB at a stretch, then somewhere else. */
const RUN_BLOCKS = 256;
/** Spreads the runs over the disk without meeting the same one twice soon; a prime, so it visits all. */
const STRIDE_RUNS = 7919;

/** The content of a guest's n-th written block: anybody can say what should be on the disk. */
export function guestBlock(id: InstanceId, index: number): Buffer {
  const line = createHash('sha256').update(`${id} ${index}`).digest();
  return Buffer.alloc(GUEST_BLOCK_BYTES, line);
}

/** Where the n-th written block goes on a disk of so many blocks. */
export function guestBlockOffset(index: number, disk_blocks: number): number {
  const runs = Math.floor(disk_blocks / RUN_BLOCKS);
  if (runs === 0) return (index % disk_blocks) * GUEST_BLOCK_BYTES;
  const run = (Math.floor(index / RUN_BLOCKS) * STRIDE_RUNS) % runs;
  return (run * RUN_BLOCKS + (index % RUN_BLOCKS)) * GUEST_BLOCK_BYTES;
}

/**
 * The programs in a running guest: they write to its raw disk at a steady rate. After `end` has resolved nothing
 * is written any more, as with a guest that was powered off.
 */
export class GuestWriter {
  readonly #id: InstanceId;
  readonly #path: string;
  readonly #rate: () => number;
  readonly #onWritten: (offset_bytes: number) => void;
  readonly #timer: NodeJS.Timeout;
  #written_blocks: number;
  #owed_bytes = 0;
  #last = performance.now();
  #writing: Promise<void> = Promise.resolve();
  #idle = true;
  #ended = false;

  /**
   * @param options.rate bytes per second, asked anew each time
   * @param options.onWritten hears of each block when it lies in the file, before anything can be written after it
   */
  constructor(options: {
    readonly id: InstanceId;
    readonly path: string;
    readonly written_blocks: number;
    readonly rate: () => number;
    readonly onWritten?: (offset_bytes: number) => void;
  }) {
    this.#id = options.id;
    this.#path = options.path;
    this.#rate = options.rate;
    this.#onWritten = options.onWritten ?? (() => undefined);
    this.#written_blocks = options.written_blocks;
    this.#timer = setInterval(() => this.#tick(), TICK_MILLISECONDS);
    this.#timer.unref();
  }

  /** Stops writing and waits for the write that is under way. @returns blocks written in all */
  async end(): Promise<number> {
    this.#ended = true;
    clearInterval(this.#timer);
    await this.#writing;
    return this.#written_blocks;
  }

  #tick(): void {
    const now = performance.now();
    const rate = this.#rate();
    // A disk slower than the rate does not pile up what it owes.
    this.#owed_bytes = Math.min(
      this.#owed_bytes + (rate * (now - this.#last)) / 1000,
      Math.max(rate, GUEST_BLOCK_BYTES),
    );
    this.#last = now;
    if (!this.#idle || this.#owed_bytes < GUEST_BLOCK_BYTES) return;
    this.#idle = false;
    // A disk that is full or broken is the guest's trouble: it tries again, and its host goes on.
    this.#writing = this.#write()
      .catch(() => undefined)
      .finally(() => {
        this.#idle = true;
      });
  }

  async #write(): Promise<void> {
    let file: FileHandle;
    try {
      file = await open(this.#path, 'r+');
    } catch {
      // A guest whose disk is gone has nothing to write to.
      return;
    }
    try {
      const blocks = Math.floor((await sizeOf(file)) / GUEST_BLOCK_BYTES);
      if (blocks === 0) return;
      while (!this.#ended && this.#owed_bytes >= GUEST_BLOCK_BYTES) {
        const index = this.#written_blocks;
        const offset = guestBlockOffset(index, blocks);
        await file.write(guestBlock(this.#id, index), 0, GUEST_BLOCK_BYTES, offset);
        this.#onWritten(offset);
        this.#written_blocks += 1;
        this.#owed_bytes -= GUEST_BLOCK_BYTES;
      }
    } finally {
      await file.close();
    }
  }
}
