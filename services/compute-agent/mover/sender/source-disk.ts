import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { ExtentSet, extentsWithData, sizeOf } from '../disks/data-map.ts';
import { ExtentLayout, isZero, leafOf, ZERO_LEAF } from '../disks/extents.ts';
import { LeafTable } from '../disks/leaf-table.ts';

/** A disk that is being sent: a file, or whatever a name in the guest's folder leads to (a volume, a loop device). */
export class SourceDisk {
  readonly name: string;
  readonly layout: ExtentLayout;
  /** What was read; the digests come from here. */
  readonly leaves: LeafTable;
  readonly #path: string;
  readonly #handle: FileHandle;
  #written: ExtentSet | null = null;
  readonly #noted: ExtentSet;
  /** Extents that were put on the wire, in whatever session. */
  readonly sent: ExtentSet;

  private constructor(name: string, path: string, handle: FileHandle, layout: ExtentLayout) {
    this.name = name;
    this.#path = path;
    this.#handle = handle;
    this.layout = layout;
    this.leaves = new LeafTable(layout);
    this.#noted = new ExtentSet(layout.count, false);
    this.sent = new ExtentSet(layout.count, false);
  }

  /** @param path where it lies, when not in the folder */
  static async open(folder: string, name: string, path = join(folder, name)): Promise<SourceDisk> {
    const handle = await open(path, 'r');
    try {
      return new SourceDisk(name, path, handle, new ExtentLayout(await sizeOf(handle)));
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Asks where the holes are; before the first read. */
  async map(): Promise<void> {
    this.#written = await extentsWithData(this.#path, this.#handle, this.layout);
  }

  /** False for an extent that is a hole: it need not be read. */
  mayHaveData(index: number): boolean {
    return this.#written?.has(index) ?? true;
  }

  /** Reads an extent into the memory. @throws the file system's errors */
  async read(index: number, memory: Buffer): Promise<Buffer> {
    const length = this.layout.length(index);
    let read_bytes = 0;
    while (read_bytes < length) {
      const position = this.layout.offset(index) + read_bytes;
      const { bytesRead } = await this.#handle.read(memory, read_bytes, length - read_bytes, position);
      if (bytesRead === 0) throw new Error(`it ends at ${position} and not at ${this.layout.size_bytes}`);
      read_bytes += bytesRead;
    }
    return memory.subarray(0, length);
  }

  /** Notes the leaf of what was read; null stands for a hole. */
  note(index: number, content: Buffer | null): void {
    this.leaves.set(index, content === null || isZero(content) ? ZERO_LEAF : leafOf(content));
    this.#noted.add(index);
  }

  /** True when this round has read the extent before: after a break it need not be read again to be compared. */
  isNoted(index: number): boolean {
    return this.#noted.has(index);
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}
