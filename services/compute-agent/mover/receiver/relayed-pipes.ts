import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { ByteStreams } from '../frame-connection.ts';
import { identityOf, identityIn, type ProcessIdentity } from '../process-identity.ts';

/** A relay says who it is before it does anything else. */
const INTRODUCTION_SECONDS = 5;
const INTRODUCTION_BYTES_MAX = 4096;
/** Another user's process; another pid namespace. */
const LASTING: ReadonlySet<string> = new Set(['EACCES', 'EPERM', 'ENOENT']);
/** A relay that is going has no pipes a moment before it has no socket. */
const GOING_MILLISECONDS = 50;
/** What a pipe of Linux holds. */
const PIPE_BYTES = 64 * 1024;

/** The relay runs, and its pipes cannot be had: another user's process, another pid namespace, an sshd without pipes. */
export class PipesUnreachable extends Error {
  override readonly name = 'PipesUnreachable';
}

/**
 * The pipes between sshd and the relay that has connected over a socket: its stdin and stdout, opened a second time. So
 * the bytes of a transfer pass through no other process than sshd and us; the relay only keeps its session open, until
 * the socket is closed.
 *
 * The relay introduces itself with its own /proc/PID/stat, so that a pid that is used again cannot be taken for it. What
 * a sender says comes through the pipes and never over this socket.
 * @throws PipesUnreachable; Error when the relay has gone
 */
export async function openPipes(relay: Socket): Promise<ByteStreams> {
  const identity = identityIn(await introductionOf(relay));
  try {
    return pipesOf(identity);
  } catch (error) {
    if (!isRefusal(error)) throw new Error("the relay's pipes were not opened", { cause: error });
    await pause(GOING_MILLISECONDS);
    if (!(await isThere(relay))) throw new Error('the relay has gone', { cause: error });
    throw new PipesUnreachable(error.message, { cause: error });
  }
}

/** The relay has something else in these places, or the pid is another process here. */
class NotItsPipes extends Error {
  override readonly name = 'NotItsPipes';
}

/** Lasting causes. Others, such as too many open files, are this connection's bad luck, and the next one is tried again. */
function isRefusal(error: unknown): error is Error {
  if (error instanceof NotItsPipes) return true;
  return error instanceof Error && 'code' in error && LASTING.has(String(error.code));
}

function introductionOf(relay: Socket): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const timer = setTimeout(() => relay.destroy(), INTRODUCTION_SECONDS * 1000);
  let said = '';
  // It ends its side when it has introduced itself; ours stays open as long as the transfer goes on.
  relay.allowHalfOpen = true;
  relay.setEncoding('latin1');
  relay.on('data', (more: string) => {
    said += more;
    if (said.endsWith('\n')) resolve(said);
    else if (said.length > INTRODUCTION_BYTES_MAX) relay.destroy();
  });
  relay.resume();
  for (const end of ['end', 'close']) relay.once(end, () => reject(new Error('the relay has gone')));
  return promise.finally(() => clearTimeout(timer));
}

function pipesOf(relay: ProcessIdentity): ByteStreams {
  const opened: number[] = [];
  const open = (place: number, flags: number): number => {
    const descriptor = openSync(`/proc/${relay.pid}/fd/${place}`, flags | constants.O_NONBLOCK);
    opened.push(descriptor);
    if (!fstatSync(descriptor).isFIFO()) throw new NotItsPipes(`descriptor ${place} of the relay is no pipe`);
    return descriptor;
  };
  try {
    const input = open(0, constants.O_RDONLY);
    // A pipe whose writers had all gone before we opened it would never end for us. One that comes and goes makes it
    // end: Linux tells a reader of writers that have gone since it opened.
    closeSync(openSync(`/proc/${relay.pid}/fd/0`, constants.O_WRONLY | constants.O_NONBLOCK));
    const output = open(1, constants.O_WRONLY);
    // Asked last: then both were its own.
    if (identityOf(relay.pid)?.start_ticks !== relay.start_ticks)
      throw new NotItsPipes('it is another process');
    return {
      input: readingInto(Buffer.allocUnsafeSlow(PIPE_BYTES), input),
      output: new Socket({ fd: output, readable: false, writable: true }),
    };
  } catch (error) {
    for (const descriptor of opened) closeSync(descriptor);
    throw error;
  }
}

/**
 * A pipe's bytes in the same memory again and again: a chunk is valid until the next one, and whoever listens copies what
 * it keeps. Left to itself Node takes new memory for each read, and that costs as much as the read.
 */
function readingInto(memory: Buffer, fd: number): Socket {
  const input: Socket = new Socket({
    fd,
    readable: true,
    writable: false,
    onread: {
      buffer: memory,
      callback: (bytes) => {
        input.emit('data', memory.subarray(0, bytes));
        return true;
      },
    },
  });
  // Nobody listens yet.
  input.pause();
  return input;
}

/** Writing is the only way to notice. A relay that is still there breaks at it; nothing is wanted of it any more. */
function isThere(relay: Socket): Promise<boolean> {
  return new Promise((resolve) => {
    relay.write('\n', (error) => resolve(error === null || error === undefined));
  });
}
