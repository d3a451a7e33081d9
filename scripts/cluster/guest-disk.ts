import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * sha256 of what the guest sees on its disk, whatever the file's format and backing file: the measure that a
 * move must not change.
 */
export async function guestDiskDigest(instance_folder: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'drover-digest-'));
  try {
    const raw = join(folder, 'raw');
    // -U: the guest may have it open.
    await run('qemu-img', ['convert', '-U', '-O', 'raw', join(instance_folder, 'disk'), raw]);
    const digest = createHash('sha256');
    await pipeline(createReadStream(raw, { highWaterMark: 1024 * 1024 }), digest);
    return digest.digest('hex');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
