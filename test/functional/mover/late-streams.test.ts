import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ExtentLayout, leafOf } from '../../../services/compute-agent/mover/disks/extents.ts';
import { LeafTable } from '../../../services/compute-agent/mover/disks/leaf-table.ts';
import { FrameReader } from '../../../services/compute-agent/mover/frame-reader.ts';
import {
  encodings,
  extentFrameHead,
  frameTypes,
  PROTOCOL,
  PROTOCOL_VERSION,
  textFrame,
} from '../../../services/compute-agent/mover/protocol.ts';
import { Receiver } from '../../../services/compute-agent/mover/receiver/serve.ts';
import { ReceiverProcess } from '../../../services/compute-agent/mover/receiver/receiver-process.ts';

const DISK_BYTES = 1024 * 1024;
const migration_id = randomUUID();
const begin = textFrame('begin', {
  round: 1,
  disks: [{ name: 'disk', size_bytes: DISK_BYTES }],
  continues: false,
});

let root: string;
let server: Server;
let receiver: Receiver;
let onConnection: (socket: Socket) => void;

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'drover-late-'));
  mkdirSync(join(root, 'staging'));
  const sizes = {
    virtual_size_bytes: DISK_BYTES,
    file_size_bytes: DISK_BYTES,
    allocated_bytes: DISK_BYTES,
  };
  receiver = new Receiver({
    migration_id,
    folder: join(root, 'staging'),
    disks: [{ name: 'disk', format: 'raw', ...sizes, backing: null }],
    journal_path: join(root, 'journal'),
  });
  onConnection = (socket) => void receiver.serve(socket);
  server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => onConnection(socket));
  await new Promise<void>((resolve) => server.listen(join(root, 'socket'), resolve));
});
afterEach(async () => {
  await receiver.stop();
  // Its end is not waited for: it counts connections that a worker was given.
  server.close();
  rmSync(root, { recursive: true });
});

/** A sender's connection: what it says, and the types of what it hears, as they come. */
class Speaker {
  readonly socket = connect({ path: join(root, 'socket') });
  readonly closed = once(this.socket, 'close');
  readonly #heard: number[] = [];
  #wake = (): void => undefined;

  constructor() {
    const reader = new FrameReader(() => DISK_BYTES, { reuse: false });
    this.socket.on('data', (chunk: Buffer) => {
      for (const { type } of reader.read(chunk)) this.#heard.push(type);
      this.#wake();
    });
    this.socket.on('error', () => undefined);
    this.socket.on('close', () => this.#wake());
  }

  say(...frames: readonly Buffer[]): void {
    for (const frame of frames) this.socket.write(frame);
  }

  /** The first answer of these types. */
  async hear(...types: readonly number[]): Promise<number> {
    for (;;) {
      const found = this.#heard.find((type) => types.includes(type));
      if (found !== undefined) return found;
      if (this.socket.destroyed) throw new Error(`closed after ${this.#heard.join(' ')}`);
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

const hello = (session: string, stream: number): Buffer =>
  textFrame('hello', { protocol: PROTOCOL, version: PROTOCOL_VERSION, migration_id, session, stream });

const extentOf = (content: Buffer): Buffer[] => [
  extentFrameHead({
    disk: 0,
    index: 0,
    leaf: leafOf(content),
    encoding: encodings.plain,
    segments: [{ offset: 0, length: content.length }],
    payload: content,
  }),
  content,
];

function finishOf(content: Buffer): Buffer {
  const leaves = new LeafTable(new ExtentLayout(DISK_BYTES));
  leaves.set(0, leafOf(content));
  return textFrame('finish', { digests: [leaves.root()], prove: false });
}

test('a connection that led before does not end what goes on over the next one', async () => {
  const session = randomUUID();
  const before = new Speaker();
  before.say(hello(session, 0), begin);
  await before.hear(frameTypes.ready);
  const now = new Speaker();
  now.say(hello(session, 0), begin);
  await now.hear(frameTypes.ready);
  before.socket.end();
  await before.closed;
  const content = randomBytes(DISK_BYTES);
  now.say(...extentOf(content), finishOf(content));
  expect(await now.hear(frameTypes.done, frameTypes.failed)).toBe(frameTypes.done);
  now.socket.end();
  await now.closed;
});

test('an extent that comes after the end of the round is not written', async () => {
  const session = randomUUID();
  const leading = new Speaker();
  leading.say(hello(session, 0), begin);
  await leading.hear(frameTypes.ready);
  const late = new Speaker();
  late.say(hello(session, 1));
  await late.hear(frameTypes.welcome);
  const content = randomBytes(DISK_BYTES);
  leading.say(...extentOf(content), finishOf(content));
  expect(await leading.hear(frameTypes.done, frameTypes.failed)).toBe(frameTypes.done);
  late.say(...extentOf(randomBytes(DISK_BYTES)));
  late.socket.end();
  expect(await late.hear(frameTypes.failed, frameTypes.ready)).toBe(frameTypes.failed);
  expect(readFileSync(join(root, 'staging', 'disk')).equals(content)).toBe(true);
  leading.socket.end();
  await Promise.all([leading.closed, late.closed]);
});

test('connections that wait for a worker are closed when it dies', async () => {
  const worker = new ReceiverProcess();
  try {
    await worker.ready;
    process.kill(worker.identity.pid, 'SIGSTOP');
    const given = Promise.withResolvers<void>();
    const admitted = { migration_id, folder: root, disks: [], journal_path: join(root, 'journal') };
    onConnection = (socket) => {
      worker.send({ do: 'serve', relay: 'bytes', admitted }, socket);
      if (worker.served === 3) given.resolve();
    };
    const speakers = [new Speaker(), new Speaker(), new Speaker()];
    await given.promise;
    await worker.kill();
    await Promise.all(speakers.map(({ closed }) => closed));
  } finally {
    await worker.kill();
  }
});
