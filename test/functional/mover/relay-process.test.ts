import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { identityIn, identityOf } from '../../../services/compute-agent/mover/process-identity.ts';
import type { RelayKind } from '../../../services/compute-agent/mover/receiver/relay.ts';

const PROGRAM = fileURLToPath(
  new URL('../../../services/compute-agent/mover/receiver/relay-process.js', import.meta.url),
);

const FOR_THE_RECEIVER = 'what the receiver reads itself';

let root: string;
let server: Server;
let child: ChildProcess | null = null;

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'drover-relay-'));
  server = createServer({ allowHalfOpen: true }).listen(join(root, 'socket'));
  await once(server, 'listening');
});
afterEach(async () => {
  if (child !== null && child.exitCode === null && child.signalCode === null) {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  server.close();
  rmSync(root, { recursive: true });
});

/** As sshd starts it where socat is not installed. */
async function start(kind: RelayKind, stdin: 'pipe' | number = 'pipe') {
  const arriving = once(server, 'connection') as Promise<[Socket]>;
  const relay = spawn(process.execPath, [PROGRAM, kind, join(root, 'socket')], {
    stdio: [stdin, 'pipe', 'inherit'],
  });
  child = relay;
  const exit = once(relay, 'exit') as Promise<[number | null]>;
  const [socket] = await arriving;
  return { relay, socket, exit };
}

test('one of bytes joins its session to the socket, each direction to its own end', async () => {
  const { relay, socket, exit } = await start('bytes');
  const sent = 'from the sender'.repeat(20_000);
  relay.stdin?.end(sent);
  expect(await text(socket)).toBe(sent);
  // The sender has said all, and still hears.
  const answer = 'from the receiver'.repeat(20_000);
  socket.end(answer);
  expect(await text(relay.stdout ?? Readable.from([]))).toBe(answer);
  expect((await exit)[0]).toBe(0);
});

test('one of pipes says who it is, touches no byte, and goes when the socket is closed', async () => {
  execFileSync('mkfifo', [join(root, 'session')]);
  // Both ends, so that nothing here waits for somebody.
  const session = openSync(join(root, 'session'), constants.O_RDWR | constants.O_NONBLOCK);
  try {
    writeSync(session, FOR_THE_RECEIVER);
    const { relay, socket, exit } = await start('pipes', session);
    const identity = identityOf(relay.pid ?? -1);
    const saying = text(socket);
    socket.end();
    expect((await exit)[0]).toBe(0);
    const said = await saying;
    expect(said.indexOf('\n')).toBe(said.length - 1);
    expect(identityIn(said)).toEqual(identity);
    const left = Buffer.alloc(2 * FOR_THE_RECEIVER.length);
    expect(left.toString('utf8', 0, readSync(session, left))).toBe(FOR_THE_RECEIVER);
  } finally {
    closeSync(session);
  }
});

test.for(['bytes', 'pipes'] as const)('one of %s without a receiver fails', async (kind) => {
  child = spawn(process.execPath, [PROGRAM, kind, join(root, 'nobody')], { stdio: 'ignore' });
  expect(await once(child, 'exit')).toEqual([1, null]);
});
