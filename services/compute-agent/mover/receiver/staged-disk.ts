import { constants, writeSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { extentsWithData } from '../disks/data-map.ts';
import { ALIGNMENT_BYTES, openDirect, refusesDirect } from '../disks/direct-file.ts';
import { ExtentLayout, UNKNOWN_LEAF, type Segment } from '../disks/extents.ts';
import { LeafTable } from '../disks/leaf-table.ts';
import { MemoryPool } from '../disks/memory-pool.ts';
import { ProtocolError, type Begin, type Extent } from '../protocol.ts';
import { decode } from './decode-extent.ts';
import { openOrMake } from './staged-file.ts';
import type { Unpackers } from './unpackers.ts';
import { ZeroRuns, type ZeroRun } from './zero-runs.ts';

/** Zeros for the rest of an extent that held something before. */
const zeros = Buffer.alloc(1024 * 1024);

const SHORT_WRITE_BYTES = 128 * 1024;
/** Shorter runs cost less through the page cache: the disk is asked once for many of them. */
const DIRECT_BYTES_MIN = 128 * 1024;
/** Extents that are being written while the next ones come; of all disks together, so that memory is bounded. */
const WRITTEN_BEHIND = 3;
const memory_pool = new MemoryPool(WRITTEN_BEHIND);

/** One disk that is being received. */
export class StagedDisk {
  readonly name: string;
  /** By `open`: there was none, so nothing that was known of it counts. */
  readonly made: boolean;
  layout: ExtentLayout;
  /** What lies in the file, as far as it was written by us; claimed by the sender, proved by the digest at the end. */
  leaves: LeafTable;
  readonly #handle: FileHandle;
  /** Past the page cache; null where that cannot be. */
  #direct: FileHandle | null;
  readonly #unpackers: Unpackers;
  /** Zeros that were written where a hole would do. */
  readonly #zero_runs: ZeroRuns;
  /** What is being written, by the extents' indices. */
  readonly #writing = new Map<number, Promise<void>>();
  /** Of a write that nobody waited for. */
  #failure: { readonly error: unknown } | null = null;

  private constructor(
    subject: Pick<StagedDisk, 'name' | 'layout' | 'made'> & { readonly unpackers: Unpackers },
    handle: FileHandle,
    direct: FileHandle | null,
  ) {
    const { name, layout, made, unpackers } = subject;
    this.name = name;
    this.made = made;
    this.layout = layout;
    this.leaves = new LeafTable(layout);
    this.#zero_runs = new ZeroRuns(layout.count);
    this.#handle = handle;
    this.#direct = direct;
    this.#unpackers = unpackers;
  }

  /**
   * Opens or makes the file and gives it its length. A symbolic link in its place is refused: the receiver
   * writes in its folder only.
   * @param unpackers of the session's disks together
   */
  static async open(
    folder: string,
    { name, size_bytes }: Begin['disks'][number],
    unpackers: Unpackers,
  ): Promise<StagedDisk> {
    const { handle, made } = await openOrMake(join(folder, name));
    try {
      const status = await handle.stat();
      if (!status.isFile()) throw new Error(`${name} is not a file`);
      if (status.size !== size_bytes) await handle.truncate(size_bytes);
      const past_cache = await openDirect(join(folder, name), constants.O_RDWR | constants.O_NOFOLLOW);
      if (!past_cache.direct) await past_cache.handle.close();
      const direct = past_cache.direct ? past_cache.handle : null;
      const layout = new ExtentLayout(size_bytes);
      return new StagedDisk({ name, layout, made, unpackers }, handle, direct);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Forgets all content: the file is one hole. */
  async clear(): Promise<void> {
    await this.#handle.truncate(0);
    await this.#handle.truncate(this.layout.size_bytes);
  }

  /** The source's file has become longer between two rounds; what lies here stays. */
  async grow(layout: ExtentLayout): Promise<void> {
    await this.#handle.truncate(layout.size_bytes);
    this.layout = layout;
    this.leaves = this.leaves.grown(layout);
    this.#zero_runs.grow(layout.count);
  }

  /** After a break: data that the journal does not know was written by a receiver that died before it could note it. */
  async markUnknown(folder: string, onWork: () => void): Promise<void> {
    const written = await extentsWithData(join(folder, this.name), this.#handle, this.layout, { onWork });
    for (let index = 0; index < this.layout.count; index += 1) {
      if (written.has(index) && this.leaves.isZero(index)) this.leaves.set(index, UNKNOWN_LEAF);
    }
  }

  /**
   * Takes an extent: its payload may be overwritten when this resolves. It is in the file when `settle` or `flush`
   * has ended, which fail where it failed.
   * @throws ProtocolError when the extent does not fit the disk; the file system's errors, of an earlier extent too
   */
  async write(extent: Extent): Promise<void> {
    const { index, segments } = extent;
    if (index >= this.layout.count) throw new ProtocolError(`${this.name} has no extent ${index}`);
    const length = this.layout.length(index);
    const last = segments.at(-1);
    if (last !== undefined && last.offset + last.length > length) {
      throw new ProtocolError(`a segment beyond extent ${index} of ${this.name}`);
    }
    const decoded = await decode(extent, this.#unpackers);
    try {
      await this.#take(extent, decoded.bytes);
    } finally {
      decoded.release();
    }
    if (this.#failure !== null) throw this.#failure.error;
  }

  /** What is given may be overwritten when this resolves. */
  async #take(extent: Extent, content: Buffer): Promise<void> {
    const { index, segments } = extent;
    const direct = segments.some((segment) => segment.length >= DIRECT_BYTES_MIN) ? this.#direct : null;
    const memory = direct === null ? null : await memory_pool.take(this.layout.extent_bytes, direct);
    // The same extent may come on another stream: the later one counts.
    while (this.#writing.has(index)) await this.#writing.get(index);
    const held = memory?.subarray(0, content.length) ?? content;
    // A new file has zeros there already, and as holes.
    let was_zero: boolean;
    try {
      was_zero = this.leaves.isZero(index);
      // Before it is written: this may fail, and what is being written must be waited for.
      this.leaves.set(index, extent.leaf);
    } catch (error) {
      if (memory !== null) memory_pool.give(memory);
      throw error;
    }
    if (memory !== null) content.copy(held);
    this.#behind(index, this.#place({ index, segments, content: held, was_zero }), memory);
    if (memory === null) await this.#writing.get(index);
  }

  #behind(index: number, placed: Promise<void>, memory: Buffer | null): void {
    const writing = placed
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => {
        this.#writing.delete(index);
        if (memory !== null) memory_pool.give(memory);
      });
    this.#writing.set(index, writing);
  }

  async #place(extent: PlacedExtent): Promise<void> {
    const { index, segments, content, was_zero } = extent;
    const start = this.layout.offset(index);
    // Data may come where zeros were.
    this.#zero_runs.forget(index);
    let at = 0;
    for (const segment of segments) {
      const bytes = content.subarray(at, at + segment.length);
      const direct_bytes = await this.#writeDirect(bytes, start + segment.offset);
      await this.#writeAll(bytes.subarray(direct_bytes), start + segment.offset + direct_bytes);
      at += segment.length;
    }
    if (!was_zero) await this.#fillGaps(index, segments);
  }

  /** @returns how much of it was written; the rest has to go through the page cache */
  async #writeDirect(bytes: Buffer, position: number): Promise<number> {
    if (this.#direct === null || bytes.length < DIRECT_BYTES_MIN) return 0;
    const whole_blocks = bytes.length - (bytes.length % ALIGNMENT_BYTES);
    try {
      const { bytesWritten } = await this.#direct.write(bytes, 0, whole_blocks, position);
      return bytesWritten;
    } catch (error) {
      if (refusesDirect(error)) return 0;
      throw error;
    }
  }

  async #fillGaps(index: number, segments: readonly Segment[]): Promise<void> {
    const start = this.layout.offset(index);
    const length = this.layout.length(index);
    const runs: ZeroRun[] = [];
    let end = 0;
    for (const segment of [...segments, { offset: length, length: 0 }]) {
      if (segment.offset > end) runs.push({ offset: start + end, length: segment.offset - end });
      for (let at = end; at < segment.offset; at += zeros.length) {
        await this.#writeAll(zeros.subarray(0, Math.min(zeros.length, segment.offset - at)), start + at);
      }
      end = segment.offset + segment.length;
    }
    if (segments.length === 0) this.#zero_runs.addWhole(index);
    else this.#zero_runs.add(index, runs);
  }

  async #writeAll(bytes: Buffer, position: number): Promise<void> {
    let written = 0;
    // A short write into the page cache takes less time than handing it to another thread.
    while (written < bytes.length && bytes.length <= SHORT_WRITE_BYTES) {
      written += writeSync(this.#handle.fd, bytes, written, bytes.length - written, position + written);
    }
    while (written < bytes.length) {
      const result = await this.#handle.write(bytes, written, bytes.length - written, position + written);
      written += result.bytesWritten;
    }
  }

  /** Where zeros were written and a hole would do, since it was asked before: the longest, neighbours as one. */
  takeZeroRuns(most: number): readonly ZeroRun[] {
    const { layout } = this;
    return this.#zero_runs.take(most, (index) => ({
      offset: layout.offset(index),
      length: layout.length(index),
    }));
  }

  /** Waits until all that was taken is in the file. @throws the file system's errors */
  async settle(): Promise<void> {
    await Promise.all(this.#writing.values());
    if (this.#failure !== null) throw this.#failure.error;
  }

  /** Makes durable what was taken. @throws the file system's errors */
  async flush(): Promise<void> {
    await this.settle();
    await this.#handle.datasync();
  }

  async close(): Promise<void> {
    await Promise.all(this.#writing.values());
    this.leaves.close();
    await Promise.all([this.#handle.close(), this.#direct?.close()]);
  }
}

interface PlacedExtent {
  readonly index: number;
  readonly segments: readonly Segment[];
  /** The segments' bytes one after the other. */
  readonly content: Buffer;
  /** There was nothing before. */
  readonly was_zero: boolean;
}
