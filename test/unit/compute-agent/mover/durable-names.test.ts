import { mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { unlimitedCpu } from '../../../../services/compute-agent/mover/cpu-share.ts';
import { leafOf } from '../../../../services/compute-agent/mover/disks/extents.ts';
import { FrameConnection } from '../../../../services/compute-agent/mover/frame-connection.ts';
import {
  encodings,
  extentFrameHead,
  FRAME_HEADER_BYTES,
  frameTypes,
  readHoldings,
} from '../../../../services/compute-agent/mover/protocol.ts';
import { ReceivingSession } from '../../../../services/compute-agent/mover/receiver/session.ts';

/** An extent that is acknowledged survives a power cut: so must its file's name. */
const SIZE_BYTES = 1024 ** 2;
const content = Buffer.alloc(SIZE_BYTES, 7);

let folder: string;
/** What was flushed and told, in order: a folder's path, a frame's type. */
let happened: (string | number)[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'names-'));
  mkdirSync(staged());
  happened = [];
  const handle = await open(folder);
  const files = Object.getPrototypeOf(handle) as FileHandle;
  await handle.close();
  const sync = Reflect.get(files, 'sync');
  vi.spyOn(files, 'sync').mockImplementation(async function (this: FileHandle) {
    const path = readlinkSync(`/proc/self/fd/${this.fd}`);
    await sync.call(this);
    happened.push(path);
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

const staged = (): string => join(folder, 'staging');
const journal_path = (): string => join(folder, 'journal');

/** A session that has begun, and the frames that it has told. */
async function begun() {
  const connection = new FrameConnection({ input: new PassThrough(), output: new PassThrough() });
  const told: Buffer[] = [];
  vi.spyOn(connection, 'write').mockImplementation((frame) => {
    told.push(Buffer.from(frame));
    happened.push(frame.readUInt8(FRAME_HEADER_BYTES - 1));
    return Promise.resolve();
  });
  const disk = {
    name: 'disk',
    format: 'raw',
    virtual_size_bytes: SIZE_BYTES,
    file_size_bytes: SIZE_BYTES,
  } as const;
  const admitted = {
    migration_id: 'm-1',
    folder: staged(),
    journal_path: journal_path(),
    disks: [{ ...disk, allocated_bytes: 0, backing: null }],
  };
  const session = new ReceivingSession(admitted, connection, {
    cpu: unlimitedCpu,
    onFailure: (error) => {
      throw error;
    },
  });
  await session.begin({ round: 1, disks: [{ name: 'disk', size_bytes: SIZE_BYTES }] });
  const holdings = told
    .filter((frame) => frame.readUInt8(FRAME_HEADER_BYTES - 1) === frameTypes.holdings)
    .flatMap((frame) => readHoldings(frame.subarray(FRAME_HEADER_BYTES)).holdings);
  return { session, holdings };
}

/** One extent, durable. */
async function receive(): Promise<void> {
  const { session } = await begun();
  const segments = [{ offset: 0, length: SIZE_BYTES }];
  const extent = { disk: 0, index: 0, leaf: leafOf(content), encoding: encodings.plain, segments };
  const head = extentFrameHead({ ...extent, payload: content });
  await session.take(Buffer.concat([head.subarray(FRAME_HEADER_BYTES), content]));
  await session.close();
}

describe('the name of a disk that is received', () => {
  test('is durable before the sender is told to send', async () => {
    const { session } = await begun();
    await session.close();
    expect(happened).toContain(staged());
    expect(happened.indexOf(staged())).toBeLessThan(happened.indexOf(frameTypes.ready));
  });

  test('is durable before that, too, when a receiver that died had made it', async () => {
    await receive();
    happened = [];
    await (await begun()).session.close();
    expect(happened.indexOf(staged())).toBeGreaterThanOrEqual(0);
    expect(happened.indexOf(staged())).toBeLessThan(happened.indexOf(frameTypes.ready));
  });

  test('is there: what was received is held', async () => {
    await receive();
    const { session, holdings } = await begun();
    await session.close();
    expect(holdings).toEqual([{ index: 0, leaf: leafOf(content) }]);
    expect(readFileSync(join(staged(), 'disk')).equals(content)).toBe(true);
  });

  test('is lost all the same: nothing of it is held, whatever the journal says', async () => {
    await receive();
    rmSync(join(staged(), 'disk'));
    const { session, holdings } = await begun();
    await session.close();
    expect(holdings).toEqual([]);
  });
});
