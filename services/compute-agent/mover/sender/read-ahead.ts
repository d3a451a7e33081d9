import type { ExtentAddress } from '../protocol.ts';
import type { MemoryPool } from '../disks/memory-pool.ts';
import type { SourceDisk } from './source-disk.ts';

/** Extents that are read before their turn: the disk works while the last one is hashed and sent. */
export const READ_AHEAD = 3;
/** A long row of holes must not keep the process from hearing a cancel. */
const EXTENTS_PER_TURN = 4096;

export class SourceReadFailure extends Error {
  override readonly name = 'SourceReadFailure';
  readonly disk: string;

  constructor(disk: string, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.disk = disk;
  }
}

/** An extent that is being read. Its memory goes back to the pool when it was dealt with. */
export interface PendingRead extends ExtentAddress {
  readonly source: SourceDisk;
  readonly memory: Buffer;
  readonly content: Promise<Buffer>;
  /** It was sent before, over a stream that broke. */
  readonly again: boolean;
}

/** Begins to read an extent. @throws SourceReadFailure */
export async function beginRead(
  source: SourceDisk,
  address: ExtentAddress,
  options: { readonly pool: MemoryPool; readonly again: boolean },
): Promise<PendingRead> {
  const { disk, index } = address;
  let memory: Buffer;
  try {
    memory = await source.memoryFrom(options.pool);
  } catch (error) {
    throw new SourceReadFailure(source.name, error);
  }
  const content = source.read(index, memory).catch((error: unknown) => {
    throw new SourceReadFailure(source.name, error);
  });
  // Waited for later: until then it is nobody's unhandled failure.
  content.catch(() => undefined);
  return { disk, index, source, memory, content, again: options.again };
}

/**
 * The extents of all disks that must be read, in order, some ahead of those who ask; any number may ask.
 * @param skips deals with an extent that need not be read; false when it must be
 * @throws SourceReadFailure
 */
export async function* readAhead(
  disks: readonly SourceDisk[],
  pool: MemoryPool,
  skips: (disk: number, index: number, source: SourceDisk) => boolean,
): AsyncGenerator<PendingRead, void, undefined> {
  const reading: PendingRead[] = [];
  let turn = 0;
  try {
    for (const [disk, source] of disks.entries()) {
      for (let index = 0; index < source.layout.count; index += 1) {
        turn += 1;
        if (turn % EXTENTS_PER_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
        if (skips(disk, index, source)) continue;
        const next = reading.length >= READ_AHEAD ? reading.shift() : undefined;
        if (next !== undefined) yield next;
        reading.push(await beginRead(source, { disk, index }, { pool, again: false }));
      }
    }
    for (let next = reading.shift(); next !== undefined; next = reading.shift()) yield next;
  } finally {
    // Reads that nobody waits for any more end before their files are closed.
    await Promise.allSettled(reading.map(({ content }) => content));
  }
}
