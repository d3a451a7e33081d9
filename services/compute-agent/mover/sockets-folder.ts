import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Linux's limit of a unix socket's path. */
const SOCKET_PATH_BYTES_MAX = 107;

/** Below the state folder where that is short enough for a socket's path, else in a private folder of the system's. */
export function socketsFolder(state_path: string): string {
  const own = join(state_path, 'mover', 's');
  const fits = Buffer.byteLength(join(own, '0'.repeat(12))) <= SOCKET_PATH_BYTES_MAX;
  const name = createHash('sha256').update(state_path).digest('hex').slice(0, 16);
  const folder = fits ? own : join(tmpdir(), `drover-${process.getuid?.() ?? 0}-${name}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  // In a folder that everybody may write to, somebody else may have been there first.
  const status = lstatSync(folder);
  if (!status.isDirectory() || status.uid !== process.getuid?.() || (status.mode & 0o077) !== 0) {
    throw new Error(`${folder} must be a folder that is ours alone`);
  }
  return folder;
}
