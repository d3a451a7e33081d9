import { randomBytes, randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { FrameReader } from '../../../services/compute-agent/mover/frame-reader.ts';
import {
  encodings,
  extentFrameHead,
  frameHeader,
  frameTypes,
  PROTOCOL,
  PROTOCOL_VERSION,
  textFrame,
  type Extent,
} from '../../../services/compute-agent/mover/protocol.ts';
import type { RelayKind } from '../../../services/compute-agent/mover/receiver/relay.ts';
import { openPipes } from '../../../services/compute-agent/mover/receiver/relayed-pipes.ts';
import { Receiver } from '../../../services/compute-agent/mover/receiver/serve.ts';
import { startRelay } from './support/relay-with-pipes.ts';

const MEBIBYTE = 1024 * 1024;
const DISK_BYTES = 2 * MEBIBYTE;
const leaf = Buffer.alloc(32, 9);

/** What leads to the receiver. */
let relay: RelayKind = 'bytes';
let root: string;
let folder: string;
let server: Server;
let receiver: Receiver;
const migration_id = randomUUID();

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'drover-hostile-'));
  folder = join(root, 'staging');
  mkdirSync(folder);
  receiver = new Receiver({
    migration_id,
    folder,
    disks: [
      {
        name: 'disk',
        format: 'raw',
        virtual_size_bytes: DISK_BYTES,
        file_size_bytes: DISK_BYTES,
        allocated_bytes: DISK_BYTES,
        backing: null,
      },
    ],
    journal_path: join(root, 'journal'),
  });
  server = createServer({ allowHalfOpen: true, pauseOnConnect: relay === 'pipes' }, (socket) => {
    void (relay === 'pipes' ? serveOverPipes(socket) : receiver.serve(socket));
  });
  await new Promise<void>((resolve) => server.listen(join(root, 'socket'), resolve));
});
afterEach(async () => {
  await receiver.stop();
  await new Promise((resolve) => server.close(resolve));
  rmSync(root, { recursive: true });
});

/** As the receiver's worker does: what connects ends when its pipes have been served. */
async function serveOverPipes(connecting: Socket): Promise<void> {
  const pipes = await openPipes(connecting);
  await receiver.serve(pipes);
  connecting.destroy();
}

/** The sender's side of a connection, as one stream or two. */
interface Sender {
  readonly input: Socket;
  readonly output: Socket;
  readonly close: () => void;
}

function connectSender(): Sender {
  const socket = connect({ path: join(root, 'socket'), allowHalfOpen: relay === 'bytes' });
  socket.on('error', () => undefined);
  if (relay === 'bytes') return { input: socket, output: socket, close: () => undefined };
  const pipes_folder = mkdtempSync(join(tmpdir(), 'drover-hostile-pipes-'));
  const { child, stat, to_relay, from_relay, close } = startRelay(pipes_folder);
  rmSync(pipes_folder, { recursive: true });
  socket.write(stat);
  // A relay ends with its socket, and the sender's connection with the relay.
  socket.once('close', () => child.kill('SIGKILL'));
  socket.resume();
  return { input: from_relay, output: to_relay, close };
}

/** Says all this, hangs up, and gives the types of the frames that were answered. */
function say(
  ...parts: readonly Buffer[]
): Promise<{ readonly types: readonly number[]; readonly failure: string }> {
  return new Promise((resolve, reject) => {
    const { input, output, close } = connectSender();
    const reader = new FrameReader(() => MEBIBYTE, { reuse: false });
    const types: number[] = [];
    let failure = '';
    input.on('data', (chunk: Buffer) => {
      for (const { type, body } of reader.read(chunk)) {
        types.push(type);
        if (type === frameTypes.failed) failure = body.toString('utf8');
      }
    });
    input.setTimeout(5000, () => reject(new Error('the receiver says nothing and does not hang up')));
    input.once('close', () => {
      close();
      resolve({ types, failure });
    });
    for (const part of parts) output.write(part);
    output.end();
  });
}

const hello = textFrame('hello', {
  protocol: PROTOCOL,
  version: PROTOCOL_VERSION,
  migration_id,
  session: 's',
  stream: 0,
});
const begin = textFrame('begin', { round: 1, disks: [{ name: 'disk', size_bytes: DISK_BYTES }] });

function extent(change: Partial<Extent>): Buffer {
  const payload = Buffer.alloc(4096, 1);
  const segments = [{ offset: 0, length: 4096 }];
  const whole: Extent = { disk: 0, index: 0, leaf, encoding: encodings.plain, segments, payload, ...change };
  return Buffer.concat([extentFrameHead(whole), whole.payload]);
}

/** Only the disk, and never larger than it was admitted. */
function expectContained(): void {
  expect(readdirSync(folder).filter((name) => name !== 'disk')).toEqual([]);
  expect(
    readdirSync(root)
      .sort()
      .filter((name) => !name.startsWith('journal')),
  ).toEqual(['socket', 'staging']);
  if (readdirSync(folder).length > 0)
    expect(statSync(join(folder, 'disk')).size).toBeLessThanOrEqual(DISK_BYTES);
}

describe.each<RelayKind>(['bytes', 'pipes'])('a hostile sender over a relay of %s', (kind) => {
  beforeAll(() => {
    relay = kind;
  });

  test.each<[string, Buffer[], string]>([
    [
      'another migration',
      [
        textFrame('hello', {
          protocol: PROTOCOL,
          version: PROTOCOL_VERSION,
          migration_id: 'x',
          session: 's',
          stream: 0,
        }),
      ],
      'not admitted',
    ],
    [
      'another version',
      [textFrame('hello', { protocol: PROTOCOL, version: 99, migration_id, session: 's', stream: 0 })],
      'version 99',
    ],
    ['no hello', [begin], 'unexpected frame'],
    ['two hellos', [hello, hello], 'unexpected frame'],
    ['an extent before it begins', [hello, extent({})], 'unexpected frame'],
    [
      'another disk',
      [hello, textFrame('begin', { round: 1, disks: [{ name: '../x', size_bytes: 1 }] })],
      'not admitted',
    ],
    [
      'more disks',
      [
        hello,
        textFrame('begin', {
          round: 1,
          disks: [
            { name: 'disk', size_bytes: 1 },
            { name: 'x', size_bytes: 1 },
          ],
        }),
      ],
      'admitted',
    ],
    [
      'a larger disk',
      [hello, textFrame('begin', { round: 1, disks: [{ name: 'disk', size_bytes: DISK_BYTES + 1 }] })],
      'admitted',
    ],
    ['an extent behind the end', [hello, begin, extent({ index: 2 })], 'no extent 2'],
    ['a disk that was not begun', [hello, begin, extent({ disk: 1 })], 'no disk 1'],
    [
      'a segment beyond its extent',
      [hello, begin, extent({ segments: [{ offset: MEBIBYTE - 4095, length: 4096 }] })],
      'beyond',
    ],
    [
      'less payload than its segments',
      [hello, begin, extent({ payload: Buffer.alloc(1) })],
      'another length',
    ],
    [
      'rubbish for zstd',
      [hello, begin, extent({ encoding: encodings.zstd, payload: randomBytes(99) })],
      'decoded',
    ],
    [
      'a payload that unpacks to more',
      [
        hello,
        begin,
        extent({ encoding: encodings.zstd, payload: zstdCompressSync(Buffer.alloc(64 * MEBIBYTE)) }),
      ],
      'decode',
    ],
    ['a frame without end', [hello, begin, frameHeader(frameTypes.extent, 0xfffffff0)], 'bytes, at most'],
    [
      'a false digest',
      [hello, begin, extent({}), textFrame('finish', { digests: ['0'.repeat(64)] })],
      'another digest',
    ],
  ])('with %s is told so and cut off', async (_, parts, reason) => {
    const { types, failure } = await say(...parts);
    expect(types.at(-1)).toBe(frameTypes.failed);
    expect(failure).toContain(reason);
    expect(failure).toContain(reason === 'another digest' ? 'mover_digest_mismatch' : 'mover_refused');
    expectContained();
  });

  test('that says anything at all, in any order, reaches nothing but its disk', async () => {
    const small = fc.nat(300);
    const frame = fc.oneof(
      fc.constant(hello),
      fc.constant(begin),
      fc
        .record({ disk: fc.nat(2), index: fc.nat(3), encoding: fc.constantFrom(0 as const, 1 as const) })
        .map(extent),
      fc
        .record({ type: small, body: fc.uint8Array({ maxLength: 300 }) })
        .map(({ type, body }) => Buffer.concat([frameHeader(type & 0xff, body.length), body])),
      fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(frame, { maxLength: 12 }), fc.boolean(), async (frames, polite) => {
        await say(...(polite ? [hello, begin] : []), ...frames);
        expectContained();
      }),
      { numRuns: 60 },
    );
    // And still serves who is in order.
    const { types } = await say(hello, begin);
    expect(types.at(-1)).toBe(frameTypes.ready);
  });

  test('does not make it grow', async () => {
    const before = process.memoryUsage().rss;
    let grown = 0;
    const look = setInterval(() => {
      grown = Math.max(grown, process.memoryUsage().rss - before);
    }, 5);
    try {
      const segments = [{ offset: 0, length: MEBIBYTE }];
      const payloads = [1, 2].map((fill) => Buffer.alloc(MEBIBYTE, fill));
      // All from the same memory: what grows is the receiver.
      const filling = Array.from({ length: 400 }, (_, turn) => {
        const payload = payloads[turn < 398 ? 0 : 1] ?? Buffer.alloc(0);
        const whole = { disk: 0, index: turn % 2, leaf, encoding: encodings.plain, segments, payload };
        return [extentFrameHead(whole), payload];
      });
      await say(hello, begin, ...filling.flat());
    } finally {
      clearInterval(look);
    }
    // A third of what has come.
    expect(grown).toBeLessThan(133 * MEBIBYTE);
    expectContained();
    expect(readFileSync(join(folder, 'disk')).every((byte) => byte === 2)).toBe(true);
  });
});
