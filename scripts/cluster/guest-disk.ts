import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, mkdtempSync, rmSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
const CHUNK_BYTES = 1024 * 1024;
const zeros = Buffer.alloc(CHUNK_BYTES);

/**
 * sha256 of what the guest sees on its disk, whatever the file's format and backing file: the measure that a
 * move must not change.
 */
export async function guestDiskDigest(instance_folder: string): Promise<string> {
  return await withGuestView(instance_folder, async (raw) => {
    const digest = createHash('sha256');
    await pipeline(createReadStream(raw, { highWaterMark: CHUNK_BYTES }), digest);
    return digest.digest('hex');
  });
}

/**
 * As telling as guestDiskDigest, and much sooner there on a large disk that is nearly empty: sha256 of the chunks that
 * hold anything, of where they are, and of the disk's size. Holes are not read.
 */
export async function guestDataDigest(instance_folder: string): Promise<string> {
  return await withGuestView(instance_folder, async (raw) => {
    const digest = createHash('sha256');
    const file = await open(raw);
    try {
      for (const number of await chunksWithData(raw)) {
        const offset = number * CHUNK_BYTES;
        const { buffer, bytesRead } = await file.read(Buffer.alloc(CHUNK_BYTES), 0, CHUNK_BYTES, offset);
        const chunk = buffer.subarray(0, bytesRead);
        // What a file system holds as data may be zeros all the same: then it counts as a hole.
        if (!chunk.equals(zeros.subarray(0, bytesRead))) digest.update(`${offset}:`).update(chunk);
      }
    } finally {
      await file.close();
    }
    return digest.update(`${(await stat(raw)).size}`).digest('hex');
  });
}

/** The numbers of the chunks that do not lie in a hole, in their order. */
async function chunksWithData(raw: string): Promise<Iterable<number>> {
  const { stdout } = await run('qemu-img', ['map', '-f', 'raw', '--output=json', raw]);
  const extents = JSON.parse(stdout) as ReadonlyArray<{ start: number; length: number; data: boolean }>;
  const numbers = new Set<number>();
  for (const { start, length, data } of extents) {
    if (!data) continue;
    const last = Math.floor((start + length - 1) / CHUNK_BYTES);
    for (let number = Math.floor(start / CHUNK_BYTES); number <= last; number += 1) numbers.add(number);
  }
  return numbers;
}

/** Makes a raw file of what the guest sees, for as long as `work` needs it. */
async function withGuestView<Result>(
  instance_folder: string,
  work: (raw: string) => Promise<Result>,
): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'drover-digest-'));
  try {
    const raw = join(folder, 'raw');
    // -U: the guest may have it open.
    await run('qemu-img', ['convert', '-U', '-O', 'raw', join(instance_folder, 'disk'), raw]);
    return await work(raw);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
