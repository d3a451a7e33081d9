import { constants, writeSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { constants as zlib, zstdDecompress } from 'node:zlib';
import { extentsWithData } from '../disks/data-map.ts';
import { ExtentLayout, UNKNOWN_LEAF, type Segment } from '../disks/extents.ts';
import { LeafTable } from '../disks/leaf-table.ts';
import { decodedBytes, encodings, ProtocolError, type Extent } from '../protocol.ts';

/** Zeros for the rest of an extent that held something before. */
const zeros = Buffer.alloc(1024 * 1024);

const SHORT_WRITE_BYTES = 128 * 1024;

/** One disk that is being received. */
export class StagedDisk {
  readonly name: string;
  readonly layout: ExtentLayout;
  /** What lies in the file, as far as it was written by us; claimed by the sender, proved by the digest at the end. */
  readonly leaves: LeafTable;
  readonly #handle: FileHandle;
  #overwritten = false;

  private constructor(name: string, layout: ExtentLayout, handle: FileHandle) {
    this.name = name;
    this.layout = layout;
    this.leaves = new LeafTable(layout);
    this.#handle = handle;
  }

  /**
   * Opens or makes the file and gives it its length. A symbolic link in its place is refused: the receiver
   * writes in its folder only.
   */
  static async open(folder: string, name: string, size_bytes: number): Promise<StagedDisk> {
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;
    const handle = await open(join(folder, name), flags, 0o600);
    try {
      const status = await handle.stat();
      if (!status.isFile()) throw new Error(`${name} is not a file`);
      if (status.size !== size_bytes) await handle.truncate(size_bytes);
      return new StagedDisk(name, new ExtentLayout(size_bytes), handle);
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

  /** After a break: data that the journal does not know was written by a receiver that died before it could note it. */
  async markUnknown(folder: string): Promise<void> {
    const written = await extentsWithData(join(folder, this.name), this.#handle, this.layout);
    for (let index = 0; index < this.layout.count; index += 1) {
      if (written.has(index) && this.leaves.isZero(index)) this.leaves.set(index, UNKNOWN_LEAF);
    }
  }

  /** @throws ProtocolError when the extent does not fit the disk; the file system's errors */
  async write(extent: Extent): Promise<void> {
    const { index, segments } = extent;
    if (index >= this.layout.count) throw new ProtocolError(`${this.name} has no extent ${index}`);
    const length = this.layout.length(index);
    const last = segments.at(-1);
    if (last !== undefined && last.offset + last.length > length) {
      throw new ProtocolError(`a segment beyond extent ${index} of ${this.name}`);
    }
    const content = await decode(extent);
    const start = this.layout.offset(index);
    let at = 0;
    for (const segment of segments) {
      await this.#writeAll(content.subarray(at, at + segment.length), start + segment.offset);
      at += segment.length;
    }
    // A new file has zeros there already, and as holes.
    if (!this.leaves.isZero(index)) await this.#fillGaps(segments, start, length);
    this.leaves.set(index, extent.leaf);
  }

  async #fillGaps(segments: readonly Segment[], start: number, length: number): Promise<void> {
    let end = 0;
    for (const segment of [...segments, { offset: length, length: 0 }]) {
      for (let at = end; at < segment.offset; at += zeros.length) {
        await this.#writeAll(zeros.subarray(0, Math.min(zeros.length, segment.offset - at)), start + at);
        this.#overwritten = true;
      }
      end = segment.offset + segment.length;
    }
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

  /** True when zeros were written where a hole would do. */
  get overwritten(): boolean {
    return this.#overwritten;
  }

  async flush(): Promise<void> {
    await this.#handle.datasync();
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

/** An extent's bytes, whose number its segments have fixed before: a payload cannot make us take more memory. */
function decode(extent: Extent): Promise<Buffer> {
  const expected = decodedBytes(extent.segments);
  if (extent.encoding === encodings.plain) {
    if (extent.payload.length !== expected)
      throw new ProtocolError('a payload of another length than its segments');
    return Promise.resolve(extent.payload);
  }
  if (expected === 0) throw new ProtocolError('an encoded payload of nothing');
  const options = { maxOutputLength: expected, params: { [zlib.ZSTD_d_windowLogMax]: 24 } };
  return new Promise((resolve, reject) => {
    zstdDecompress(extent.payload, options, (error, content) => {
      if (error !== null)
        return reject(new ProtocolError('a payload that cannot be decoded', { cause: error }));
      if (content.length !== expected)
        return reject(new ProtocolError('a payload that decodes to another length'));
      resolve(content);
    });
  });
}
