import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Admitted } from '../../../services/compute-agent/mover/receiver/admitted.ts';
import { ReceiverProcess } from '../../../services/compute-agent/mover/receiver/receiver-process.ts';
import type { ReceiverReport } from '../../../services/compute-agent/mover/receiver/worker-messages.ts';

const relayProgram = join(
  import.meta.dirname,
  '../../../services/compute-agent/mover/receiver/relay-process.js',
);

const MEBIBYTE = 1024 * 1024;

let root: string;
let server: Server;
let worker: ReceiverProcess;

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'drover-receiver-'));
  mkdirSync(join(root, 'staging'));
  server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  server.listen(join(root, 'socket'));
  await once(server, 'listening');
  worker = new ReceiverProcess();
  await worker.ready;
});
afterEach(async () => {
  await worker.kill();
  server.close();
  rmSync(root, { recursive: true });
});

const admitted = (migration_id: string): Admitted => ({
  migration_id,
  folder: join(root, 'staging'),
  disks: [
    {
      name: 'disk',
      format: 'raw',
      virtual_size_bytes: MEBIBYTE,
      file_size_bytes: MEBIBYTE,
      allocated_bytes: 0,
      backing: null,
    },
  ],
  journal_path: join(root, 'journal'),
});

async function arrival(): Promise<Socket> {
  const [socket] = (await once(server, 'connection')) as [Socket];
  return socket;
}

function nextReport(): Promise<ReceiverReport> {
  return new Promise((resolve) => worker.listen(resolve));
}

/** A relay as sshd starts it; what its sender says is rubbish. */
async function refused(): Promise<void> {
  const relay = spawn(process.execPath, [relayProgram, 'pipes', join(root, 'socket')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  relay.stdin.on('error', () => undefined);
  relay.stdout.resume();
  const idle = nextReport();
  worker.send({ do: 'serve', admitted: admitted('m'), relay: 'pipes' }, await arrival());
  relay.stdin.write(Buffer.alloc(5000, 'x'));
  expect(await idle).toMatchObject({ is: 'idle' });
  await once(relay, 'exit');
}

function openPipesOfWorker(): number {
  const folder = `/proc/${worker.identity.pid}/fd`;
  return readdirSync(folder).filter((name) => {
    try {
      return readlinkSync(join(folder, name)).startsWith('pipe:');
    } catch {
      return false;
    }
  }).length;
}

test('connections that are refused leave no descriptor', async () => {
  await refused();
  const before = openPipesOfWorker();
  for (let time = 0; time < 4; time += 1) await refused();
  await expect.poll(openPipesOfWorker, { timeout: 5000, interval: 10 }).toBe(before);
});

test('who stops a worker while a connection arrives hears nothing of it afterwards', async () => {
  const silent = connect(join(root, 'socket'));
  silent.on('error', () => undefined);
  silent.resume();
  const closed = once(silent, 'close');
  worker.send({ do: 'serve', admitted: admitted('first'), relay: 'pipes' }, await arrival());
  expect(await worker.stop()).toBe(true);
  // The worker has let go of it: nothing of the first can come any more.
  await closed;
  const report = nextReport();
  const next = connect(join(root, 'socket'));
  worker.send({ do: 'serve', admitted: admitted('second'), relay: 'bytes' }, await arrival());
  next.end();
  expect(await report).toEqual({ is: 'idle', served: 2 });
});

test('a worker that stays when it is killed is named, and not waited for without end', async () => {
  // As one that hangs on a dead mount: the signal is taken, and nothing happens.
  const kill = vi.spyOn(process, 'kill').mockReturnValue(true);
  try {
    await expect(worker.kill(0.05)).rejects.toMatchObject({
      code: 'mover_process_stuck',
      values: { what: 'receiver', pid: worker.identity.pid },
    });
    expect(kill).toHaveBeenCalledWith(worker.identity.pid, 'SIGKILL');
    expect(worker.alive).toBe(true);
  } finally {
    kill.mockRestore();
  }
  await worker.kill();
  expect(worker.alive).toBe(false);
});
