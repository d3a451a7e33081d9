import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openPipes, PipesUnreachable } from '../../../services/compute-agent/mover/receiver/relayed-pipes.ts';

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
  await expect(openPipes(arrived)).rejects.toThrow(PipesUnreachable);
});

test('a process that has the pid of the relay now is not taken for it', async () => {
  const fields = start().split(' ');
  fields[21] = String(Number(fields[21]) - 1);
  relay.end(fields.join(' '));
  await expect(openPipes(arrived)).rejects.toThrow(PipesUnreachable);
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
