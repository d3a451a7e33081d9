import { accessSync, constants } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Ends an address of socat, or begins its options. */
const SPECIAL_TO_SOCAT = /[,:!]/;
const SOCAT_PATHS = ['/usr/bin/socat', '/usr/local/bin/socat', '/bin/socat'] as const;
/** As large as a pipe of Linux can be without privileges. */
const BUFFER_BYTES = 262_144;
/** After the end of one direction: what the receiver says when it has taken the last of it must still get through. */
const HALF_CLOSED_SECONDS = 30;
/** Longer than any transfer. */
const YEAR_SECONDS = 31_536_000;

/**
 * How the bytes of a session get from sshd to the receiver.
 *
 * - `pipes`: the relay tells the receiver its pid, and the receiver opens the relay's stdin and stdout itself
 *   (receiver/relayed-pipes.ts). No byte passes through the relay, which saves its copy and its turns on the processor: a
 *   tenth of all that a transfer costs.
 * - `bytes`: the relay joins its stdin and stdout to the receiver's socket. Works wherever a socket does.
 */
export type RelayKind = 'pipes' | 'bytes';

/**
 * The program that sshd starts for an admitted key. All it can do is to join its session to the socket of one
 * migration. socat starts in 3 ms where a Node process needs 40; without it, our own relay does the same.
 * @throws RangeError for a path that socat would read as more than a path
 */
export function relayCommand(kind: RelayKind, socket_path: string): readonly string[] {
  const socat = SOCAT_PATHS.find(isExecutable);
  if (socat === undefined) {
    const program = fileURLToPath(new URL('./relay-process.js', import.meta.url));
    return [process.execPath, program, kind, socket_path];
  }
  if (SPECIAL_TO_SOCAT.test(socket_path))
    throw new RangeError(`"${socket_path}" would not be a path to socat`);
  const socket = `UNIX-CONNECT:${socket_path}`;
  if (kind === 'bytes')
    return [socat, '-b', String(BUFFER_BYTES), '-t', String(HALF_CLOSED_SECONDS), '-', socket];
  // What it copies is its own description; after the end of that it waits for us to close the socket.
  return [socat, '-t', String(YEAR_SECONDS), 'OPEN:/proc/self/stat,rdonly', socket];
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
