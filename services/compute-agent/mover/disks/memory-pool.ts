import type { FileHandle } from 'node:fs/promises';
import { alignedMemory, pageAligned } from './direct-file.ts';

type WhileAsking = (asking: Promise<Buffer | null>) => Promise<Buffer | null>;

/**
 * Pieces of memory that are used again and again, aligned for direct reads and writes: a bounded number, whatever
 * the disks' sizes. Who asks for one while all are in use waits.
 */
export class MemoryPool {
  readonly #pieces_max: number;
  readonly #whileAsking: WhileAsking;
  readonly #free: Buffer[] = [];
  readonly #waiting: (() => void)[] = [];
  #pieces = 0;

  /** @param whileAsking hears of each look at a disk that new memory is tried with */
  constructor(pieces_max: number, whileAsking: WhileAsking = (asking) => asking) {
    this.#pieces_max = pieces_max;
    this.#whileAsking = whileAsking;
  }

  /**
   * @param handle of a file that is opened past the page cache; null when alignment does not matter
   * @throws the file system's errors
   */
  async take(bytes: number, handle: FileHandle | null): Promise<Buffer> {
    for (;;) {
      const place = this.#free.findIndex(({ length }) => length >= bytes);
      const [memory] = place < 0 ? [] : this.#free.splice(place, 1);
      if (memory !== undefined) return memory;
      if (this.#pieces < this.#pieces_max) return this.#make(bytes, handle);
      // All free ones are too short: one makes room for a longer one.
      if (this.#free.pop() !== undefined) this.#pieces -= 1;
      else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  async #make(bytes: number, handle: FileHandle | null): Promise<Buffer> {
    this.#pieces += 1;
    try {
      const aligned = handle === null ? null : await this.#whileAsking(alignedMemory(handle, bytes));
      // Aligned in any case: who takes it next may need that.
      return aligned ?? pageAligned(bytes);
    } catch (error) {
      this.#pieces -= 1;
      this.#waiting.shift()?.();
      throw error;
    }
  }

  /** @param memory as it was taken, not a part of it */
  give(memory: Buffer): void {
    this.#free.push(memory);
    this.#waiting.shift()?.();
  }
}
