import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { extentsWithData, sizeOf } from '../disks/data-map.ts';
import { openDirect } from '../disks/direct-file.ts';
import { ExtentSet } from '../disks/extent-set.ts';
import { ExtentLayout, isZero, leafOf, ZERO_LEAF } from '../disks/extents.ts';
import { LeafTable } from '../disks/leaf-table.ts';
import type { ByteRange } from '../mover.ts';
import type { SentRuns } from './sent-extents.ts';
import type { MemoryPool } from '../disks/memory-pool.ts';

/** One report tells of all disks and must not grow beyond a line. */
const RUNS_TOLD_AT_ONCE = 512;

/** A disk that is being sent: a file, or whatever a name in the guest's folder leads to (a volume, a loop device). */
export class SourceDisk {
  readonly name: string;
  /** Number of the device that it lies on, or that it is. */
  readonly device: number;
  layout: ExtentLayout;
  /** What was read; the digests come from here. */
  leaves: LeafTable;
  readonly #path: string;
  readonly #handle: FileHandle;
  /** Read past the page cache, where the file system can. */
  readonly #direct: boolean;
  #written: ExtentSet | null = null;
  #noted: ExtentSet;
  /** Extents that were put on the wire, in whatever session. */
  sent: ExtentSet;
  /** Of those, the ones that were told. */
  #told: ExtentSet;
  /** Extents that were read by us, ever: only of those the leaf says what was sent. */
  #read: ExtentSet;

  private constructor(
    subject: Pick<SourceDisk, 'name' | 'device' | 'layout'> & { readonly path: string },
    handle: FileHandle,
    direct: boolean,
  ) {
    const { name, path, device, layout } = subject;
    this.name = name;
    this.device = device;
    this.#path = path;
    this.#handle = handle;
    this.#direct = direct;
    this.layout = layout;
    this.leaves = new LeafTable(layout);
    this.#noted = new ExtentSet(layout.count, false);
    this.sent = new ExtentSet(layout.count, false);
    this.#told = new ExtentSet(layout.count, false);
    this.#read = new ExtentSet(layout.count, false);
  }

  /** @param path where it lies, when not in the folder */
  static async open(folder: string, name: string, path = join(folder, name)): Promise<SourceDisk> {
    // Links are followed: volumes are links.
    const { handle, direct } = await openDirect(path, constants.O_RDONLY);
    try {
      const layout = new ExtentLayout(await sizeOf(handle));
      const status = await handle.stat();
      const device = status.isBlockDevice() ? status.rdev : status.dev;
      return new SourceDisk({ name, path, device, layout }, handle, direct);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** What another sender had put on the wire before us. */
  noteSentBefore(runs: SentRuns[string]): void {
    for (const [first, count] of runs) {
      const end = Math.min(first + count, this.layout.count);
      for (let index = first; index < end; index += 1) this.sent.add(index);
    }
    this.sent.takeNew(this.#told);
  }

  /** What was put on the wire since this was asked before. */
  takeSent(): SentRuns[string] {
    return this.sent.takeNew(this.#told, RUNS_TOLD_AT_ONCE);
  }

  /** Asks where the holes are; before the first read. @param seconds_max for asking: a disk that is slow to say has none */
  async map(seconds_max = Infinity): Promise<void> {
    this.#written = await extentsWithData(this.#path, this.#handle, this.layout, { seconds_max });
  }

  /**
   * Before a later round: what may have changed since it was read must be read again, and the file may have grown.
   * @param changed byte ranges that were written since they were asked for last; null: nobody knows, anything
   * @param seconds_max for asking where the holes are, if that is to be asked
   * @throws the file system's errors
   */
  async beginRound(changed: readonly ByteRange[] | null, seconds_max = Infinity): Promise<void> {
    await this.#follow(await sizeOf(this.#handle), seconds_max);
    if (changed === null) {
      this.#noted = new ExtentSet(this.layout.count, false);
      await this.map(seconds_max);
      return;
    }
    for (const index of extentsOf(changed, this.layout)) {
      this.#noted.delete(index);
      this.#written?.add(index);
    }
  }

  /** Takes over what is known of a file that was shorter; one that is shorter now begins anew. */
  async #follow(size_bytes: number, seconds_max: number): Promise<void> {
    const before = this.layout;
    if (size_bytes === before.size_bytes) return;
    const layout = new ExtentLayout(size_bytes);
    const grown = size_bytes > before.size_bytes && layout.extent_bytes === before.extent_bytes;
    this.layout = layout;
    const { leaves } = this;
    this.leaves = grown ? leaves.grown(layout) : new LeafTable(layout);
    if (!grown) leaves.close();
    this.#noted = grown ? this.#noted.grown(layout.count) : new ExtentSet(layout.count, false);
    const followed = (set: ExtentSet): ExtentSet =>
      grown ? set.grown(layout.count) : new ExtentSet(layout.count, false);
    this.sent = followed(this.sent);
    this.#told = followed(this.#told);
    this.#read = followed(this.#read);
    if (grown && before.count > 0) this.#noted.delete(before.count - 1);
    await this.map(seconds_max);
  }

  /** False for an extent that is a hole: it need not be read. */
  mayHaveData(index: number): boolean {
    return this.#written?.has(index) ?? true;
  }

  /** Memory that `read` can read into. @throws the file system's errors */
  memoryFrom(pool: MemoryPool): Promise<Buffer> {
    return pool.take(this.layout.extent_bytes, this.#direct ? this.#handle : null);
  }

  /** Reads an extent into memory from `memoryFrom`. @throws the file system's errors */
  async read(index: number, memory: Buffer): Promise<Buffer> {
    const length = this.layout.length(index);
    let read_bytes = 0;
    while (read_bytes < length) {
      const position = this.layout.offset(index) + read_bytes;
      // As much as fits, even at the end: past the page cache whole blocks are read.
      const wanted_bytes = this.layout.extent_bytes - read_bytes;
      const { bytesRead } = await this.#handle.read(memory, read_bytes, wanted_bytes, position);
      if (bytesRead === 0) throw new Error(`it ends at ${position} and not at ${this.layout.size_bytes}`);
      read_bytes += bytesRead;
    }
    return memory.subarray(0, length);
  }

  /** Notes the leaf of what was read; null stands for a hole. */
  note(index: number, content: Buffer | null): void {
    const leaf = content === null || isZero(content) ? ZERO_LEAF : leafOf(content);
    // Sending what is new is not sending twice.
    if (this.#read.has(index) && !this.leaves.holds(index, leaf)) this.sent.delete(index);
    this.#read.add(index);
    this.leaves.set(index, leaf);
    this.#noted.add(index);
  }

  /** True when this round has read the extent before: after a break it need not be read again to be compared. */
  isNoted(index: number): boolean {
    return this.#noted.has(index);
  }

  async close(): Promise<void> {
    this.leaves.close();
    await this.#handle.close();
  }
}

function* extentsOf(ranges: readonly ByteRange[], layout: ExtentLayout): Generator<number> {
  for (const { offset_bytes, length_bytes } of ranges) {
    if (length_bytes <= 0) continue;
    const last = Math.min(
      Math.floor((offset_bytes + length_bytes - 1) / layout.extent_bytes),
      layout.count - 1,
    );
    for (let index = Math.floor(offset_bytes / layout.extent_bytes); index <= last; index += 1) yield index;
  }
}
