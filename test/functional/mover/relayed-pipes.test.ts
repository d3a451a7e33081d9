import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ConnectionClosed, FrameConnection } from '../../../services/compute-agent/mover/frame-connection.ts';
import { frameHeader } from '../../../services/compute-agent/mover/protocol.ts';
import { openPipes } from '../../../services/compute-agent/mover/receiver/relayed-pipes.ts';
import { startRelay, type RelayWithPipes } from './support/relay-with-pipes.ts';

let root: string;
let server: Server;
let relay: Socket;
let arrived: Socket;
let child: ChildProcess | null = null;

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'drover-pipes-'));
  server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  server.listen(join(root, 'socket'));
  await once(server, 'listening');
  const connection = once(server, 'connection');
  relay = connect({ path: join(root, 'socket'), allowHalfOpen: true });
  relay.on('error', () => undefined);
  [arrived] = (await connection) as [Socket];
  arrived.on('error', () => undefined);
});
afterEach(async () => {
  relay.destroy();
  arrived.destroy();
  if (child !== null && child.exitCode === null && child.signalCode === null) {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  child = null;
  server.close();
  rmSync(root, { recursive: true });
});

/** Another process, and what it says of itself. */
function start(): string {
  child = spawn('sleep', ['600'], { stdio: 'ignore' });
  return readFileSync(`/proc/${child.pid}/stat`, 'latin1');
}

test('a relay without pipes', async () => {
  relay.end(start());
  await expect(openPipes(arrived)).rejects.toMatchObject({
    name: 'PipesUnreachable',
    message: 'descriptor 0 of the relay is no pipe',
  });
});

test('a process that has the pid of the relay now is not taken for it', async () => {
  const pipes = startRelay(root);
  child = pipes.child;
  const { stat } = pipes;
  const name_end = stat.lastIndexOf(')');
  const fields = stat.slice(name_end).split(' ');
  fields[20] = String(Number(fields[20]) - 1);
  relay.end(stat.slice(0, name_end) + fields.join(' '));
  await expect(openPipes(arrived)).rejects.toMatchObject({
    name: 'PipesUnreachable',
    message: 'it is another process',
  });
  pipes.close();
});

describe('the pipes of a relay', () => {
  const frame = (type: number, length: number): Buffer =>
    Buffer.concat([frameHeader(type, length), Buffer.alloc(length, type)]);
  let pipes: RelayWithPipes;
  let connection: FrameConnection;

  beforeEach(async () => {
    pipes = startRelay(root);
    child = pipes.child;
    relay.end(pipes.stat);
    connection = new FrameConnection(await openPipes(arrived));
  });
  afterEach(() => {
    connection.destroy();
    pipes.close();
  });

  test('give frames of many chunks whole, hear what is said after the end of the input, and end', async () => {
    // Several in one chunk, several chunks in one, and a last one that is cut from its header.
    const lengths = [1, 3, 400_000, 0, 65_536, 2];
    const bytes = Buffer.concat(lengths.map((length, place) => frame(place + 1, length)));
    const said = (async () => {
      pipes.to_relay.write(bytes.subarray(0, -5));
      await once(pipes.to_relay, 'drain');
      pipes.to_relay.end(bytes.subarray(-5));
    })();
    const heard: (readonly [number, number])[] = [];
    for await (const { type, body } of connection.frames(() => 2 ** 20, { reuse: true })) {
      expect(body.every((byte) => byte === type)).toBe(true);
      heard.push([type, body.length]);
      // The peer waits meanwhile.
      await new Promise((resolve) => setImmediate(resolve));
    }
    await said;
    expect(heard).toEqual(lengths.map((length, place) => [place + 1, length]));
    // The other side says nothing more, and still listens.
    expect(connection.closed).toBe(false);
    await connection.write(frame(65, 9));
    connection.end();
    // The relay has them open as well.
    pipes.child.kill('SIGKILL');
    const answered: Buffer[] = [];
    for await (const chunk of pipes.from_relay) answered.push(chunk as Buffer);
    expect(Buffer.concat(answered)).toEqual(frame(65, 9));
  });

  test('that the other side has left before they are opened end all the same', async () => {
    connection.destroy();
    pipes.to_relay.end();
    await once(pipes.to_relay, 'close');
    // As the first time, over a connection of its own: here its socket does not matter.
    const again = once(server, 'connection') as Promise<[Socket]>;
    const other = connect({ path: join(root, 'socket'), allowHalfOpen: true });
    const [reopening] = await again;
    other.end(pipes.stat);
    const frames = new FrameConnection(await openPipes(reopening)).frames(() => 1000, { reuse: true });
    expect(await frames.next()).toEqual({ done: true, value: undefined });
    other.destroy();
    reopening.destroy();
  });

  test('that end in the middle of a frame were cut', async () => {
    pipes.to_relay.end(frame(1, 100).subarray(0, 50));
    const frames = connection.frames(() => 1000, { reuse: true });
    await expect(frames.next()).rejects.toThrow(ConnectionClosed);
  });
});

test('a relay that has gone says nothing about pipes', async () => {
  relay.end(`4194305 (socat) R ${'0 '.repeat(40)}\n`);
  relay.destroy();
  await once(relay, 'close');
  await expect(openPipes(arrived)).rejects.toThrow('the relay has gone');
});

test.for(['no process\n', '1\n', 'x'.repeat(5000), '\n', '-1 (socat) R 1\n', '../self (x) R 1\n'])(
  'something else that is said: %j',
  async (said) => {
    relay.end(said);
    await expect(openPipes(arrived)).rejects.toThrow(Error);
  },
);
