import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';

/** A process with pipes as its stdin and stdout, as sshd gives them to a relay, and their other ends. */
export interface RelayWithPipes {
  readonly child: ChildProcess;
  /** What it says of itself. */
  readonly stat: string;
  readonly to_relay: Socket;
  readonly from_relay: Socket;
  /** Lets go of the pipes; the process is the caller's to end. */
  readonly close: () => void;
}

/** @param folder the pipes get names there: Node itself gives its children sockets */
export function startRelay(folder: string): RelayWithPipes {
  const paths = [join(folder, 'stdin'), join(folder, 'stdout')] as const;
  execFileSync('mkfifo', paths);
  // Read and write, for now: to open one end waits for the other.
  const [stdin, stdout] = paths.map((path) => openSync(path, constants.O_RDWR)) as [number, number];
  const input = openSync(paths[0], constants.O_WRONLY | constants.O_NONBLOCK);
  const output = openSync(paths[1], constants.O_RDONLY | constants.O_NONBLOCK);
  const only = [openSync(paths[0], constants.O_RDONLY), openSync(paths[1], constants.O_WRONLY)] as const;
  for (const descriptor of [stdin, stdout]) closeSync(descriptor);
  const child = spawn('sleep', ['600'], { stdio: [...only, 'ignore'] });
  for (const descriptor of only) closeSync(descriptor);
  const to_relay = new Socket({ fd: input, readable: false, writable: true });
  const from_relay = new Socket({ fd: output, readable: true, writable: false });
  for (const socket of [to_relay, from_relay]) socket.on('error', () => undefined);
  return {
    child,
    stat: readFileSync(`/proc/${child.pid}/stat`, 'latin1'),
    to_relay,
    from_relay,
    close: () => {
      to_relay.destroy();
      from_relay.destroy();
    },
  };
}
