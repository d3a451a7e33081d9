import { open, type FileHandle } from 'node:fs/promises';
import { sayingAtWork, type Asker } from './shared-work.ts';

const ZEROS = Buffer.alloc(64 * 1024);

/** True when a block holds nothing but zeros. */
export function isZero(block: Uint8Array): boolean {
  for (let offset = 0; offset < block.length; offset += ZEROS.length) {
    const part = block.subarray(offset, offset + ZEROS.length);
    if (ZEROS.compare(part, 0, part.length, 0, part.length) !== 0) return false;
  }
  return true;
}

/** Writes a file front to back and leaves holes where nothing but zeros would stand. */
export class SparseWriter {
  readonly #file: FileHandle;
  #position = 0;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  static async create(path: string): Promise<SparseWriter> {
    return new SparseWriter(await open(path, 'wx', 0o600));
  }

  get size_bytes(): number {
    return this.#position;
  }

  async write(block: Uint8Array): Promise<void> {
    if (!isZero(block)) await writeWhole(this.#file, block, this.#position);
    this.#position += block.length;
  }

  /** Gives the file its length (a hole at its end has none yet) and flushes it. */
  async finish(size_bytes = this.#position): Promise<void> {
    await this.#file.truncate(size_bytes);
    await this.#file.sync();
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

/** Copies a file with its holes and zero runs as holes; the copy is as long as `size_bytes`, if that is more. */
export async function copySparse(
  source: string,
  target: string,
  size_bytes: number,
  asker: Asker,
): Promise<void> {
  const reader = await open(source, 'r');
  const writer = await SparseWriter.create(target);
  try {
    const block = Buffer.alloc(1024 * 1024);
    for (;;) {
      const { bytesRead } = await reader.read(block, 0, block.length, writer.size_bytes);
      if (bytesRead === 0) break;
      asker.signal.throwIfAborted();
      asker.atWork();
      // In pieces, so that a block with one byte set does not fill a whole megabyte.
      for (let offset = 0; offset < bytesRead; offset += ZEROS.length)
        await writer.write(block.subarray(offset, Math.min(bytesRead, offset + ZEROS.length)));
    }
    await sayingAtWork(asker, writer.finish(Math.max(size_bytes, writer.size_bytes)));
  } finally {
    await reader.close();
    await writer.close();
  }
}

async function writeWhole(file: FileHandle, block: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < block.length)
    done += (await file.write(block, done, block.length - done, position + done)).bytesWritten;
}
