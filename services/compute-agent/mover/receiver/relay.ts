import { accessSync, constants } from 'node:fs';
import { fileURLToPath } from 'node:url';

const SOCAT_PATHS = ['/usr/bin/socat', '/usr/local/bin/socat', '/bin/socat'] as const;
/** As large as a pipe of Linux can be without privileges. */
const BUFFER_BYTES = 262_144;
/** After the end of one direction: what the receiver says when it has taken the last of it must still get through. */
const HALF_CLOSED_SECONDS = 30;

/**
 * The program that sshd starts for an admitted key: it joins the session's stdin and stdout to the socket of one
 * migration, which is all it can do. socat starts in 3 ms where a Node process needs 40 and copies faster;
 * without it, our own relay does the same.
 */
export function relayCommand(socket_path: string): readonly string[] {
  const socat = SOCAT_PATHS.find(isExecutable);
  if (socat !== undefined)
    return [
      socat,
      '-b',
      String(BUFFER_BYTES),
      '-t',
      String(HALF_CLOSED_SECONDS),
      '-',
      `UNIX-CONNECT:${socket_path}`,
    ];
  return [process.execPath, fileURLToPath(new URL('./relay-process.js', import.meta.url)), socket_path];
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
