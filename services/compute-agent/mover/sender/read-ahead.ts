import type { ExtentAddress } from '../protocol.ts';
import type { MemoryPool } from '../disks/memory-pool.ts';
import type { SourceDisk } from './source-disk.ts';

/** Extents that are read before their turn: the disk works while the last one is hashed and sent. */
const READ_AHEAD = 3;
/** Of a very large disk extents are long, and fewer are read ahead: memory is bounded for any disk. */
const READ_AHEAD_BYTES_MAX = 4 * 1024 * 1024;
/** A long row of holes must not keep the process from hearing a cancel. */
const EXTENTS_PER_TURN = 4096;

/** How many extents of these disks are read ahead. */
export function readAheadOf(disks: readonly SourceDisk[]): number {
  const longest_bytes = Math.max(1, ...disks.map(({ layout }) => layout.extent_bytes));
  return Math.max(1, Math.min(READ_AHEAD, Math.floor(READ_AHEAD_BYTES_MAX / longest_bytes)));
}

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
}

/** Begins to read an extent. @throws SourceReadFailure */
export async function beginRead(
  source: SourceDisk,
  address: ExtentAddress,
  pool: MemoryPool,
): Promise<PendingRead> {
  const { disk, index } = address;
  let memory: Buffer;
  try {
    memory = await source.memoryFrom(pool);
  } catch (error) {
    throw new SourceReadFailure(source.name, error);
  }
  const content = source.read(index, memory).catch((error: unknown) => {
    throw new SourceReadFailure(source.name, error);
  });
  // Waited for later: until then it is nobody's unhandled failure.
  content.catch(() => undefined);
  return { disk, index, source, memory, content };
}

/** Deals with an extent that need not be read. @returns false when it must be */
export type Skips = (disk: number, index: number, source: SourceDisk) => boolean;

interface Place extends ExtentAddress {
  readonly source: SourceDisk;
}

/**
 * The extents of all disks that must be read, some ahead of those who ask; any number may ask. Disks that lie on
 * different devices are read in turns, so that all of these work at once. Those of one device follow each other without
 * a gap: read in turns they would make a spinning one seek, and no other gains by it.
 * @throws SourceReadFailure
 */
export async function* readAhead(
  disks: readonly SourceDisk[],
  pool: MemoryPool,
  skips: Skips,
): AsyncGenerator<PendingRead, void, undefined> {
  const ahead = readAheadOf(disks);
  const reading: PendingRead[] = [];
  let devices = byDevice(disks).map((group) => placesToRead(group, skips));
  try {
    while (devices.length > 0) {
      for (const device of devices) {
        const { value: place, done } = device.next();
        if (done === true) devices = devices.filter((other) => other !== device);
        else if (place === null) await new Promise((resolve) => setImmediate(resolve));
        else {
          const next = reading.length >= ahead ? reading.shift() : undefined;
          if (next !== undefined) yield next;
          reading.push(await beginRead(place.source, place, pool));
        }
      }
    }
    for (let next = reading.shift(); next !== undefined; next = reading.shift()) yield next;
  } finally {
    // Reads that nobody waits for any more end before their files are closed.
    await Promise.allSettled(reading.map(({ content }) => content));
  }
}

/** In order, null now and then for who looks at many that need not be read. */
function* placesToRead(
  disks: readonly (readonly [number, SourceDisk])[],
  skips: Skips,
): Generator<Place | null, void, undefined> {
  let looked_at = 0;
  for (const [disk, source] of disks) {
    for (let index = 0; index < source.layout.count; index += 1) {
      looked_at += 1;
      if (looked_at % EXTENTS_PER_TURN === 0) yield null;
      if (!skips(disk, index, source)) yield { disk, index, source };
    }
  }
}

function byDevice(disks: readonly SourceDisk[]): readonly (readonly [number, SourceDisk])[][] {
  const groups = new Map<number, (readonly [number, SourceDisk])[]>();
  for (const [place, source] of disks.entries()) {
    const group = groups.get(source.device) ?? [];
    group.push([place, source]);
    groups.set(source.device, group);
  }
  return [...groups.values()];
}
