import { randomBytes, randomUUID } from 'node:crypto';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex, PassThrough, Transform } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FrameConnection } from '../../../services/compute-agent/mover/frame-connection.ts';
import type { Transfer } from '../../../services/compute-agent/mover/mover.ts';
import { FRAME_HEADER_BYTES, frameTypes } from '../../../services/compute-agent/mover/protocol.ts';
import { digestDisks } from '../../../services/compute-agent/mover/receiver/digest-disks.ts';
import { Receiver } from '../../../services/compute-agent/mover/receiver/serve.ts';
import { ReceiverLink } from '../../../services/compute-agent/mover/sender/receiver-link.ts';
import { TransferRun } from '../../../services/compute-agent/mover/sender/transfer-run.ts';
import { migrationId } from '../../../shared/domain/ids.ts';
import type { DiskDescription } from '../../../shared/messaging/commands.ts';

/** Sender and receiver without the SSH layer between them, whose own digests would find every flipped bit. */
const MEBIBYTE = 1024 * 1024;
const DISK_BYTES = 8 * MEBIBYTE;
const id = migrationId(randomUUID());

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'drover-flips-'));
  mkdirSync(join(root, 'source'));
  mkdirSync(join(root, 'target'));
  writeFileSync(join(root, 'source', 'disk'), randomBytes(DISK_BYTES));
});
afterEach(() => rmSync(root, { recursive: true }));

const disk: DiskDescription = {
  name: 'disk',
  format: 'raw',
  virtual_size_bytes: DISK_BYTES,
  file_size_bytes: DISK_BYTES,
  allocated_bytes: DISK_BYTES,
  backing: null,
};

/** What was written may be overwritten by its writer: a wire has bytes of its own. */
const copying = (): Transform =>
  new Transform({ transform: (chunk: Buffer, _encoding, done) => done(null, Buffer.from(chunk)) });

/** Flips one bit so many bytes after the beginning of one extent's frame. */
function flipping(offset_in_frame: number, flipped_extent = 3): Transform {
  let extents = 0;
  let frame_ends_at = 0;
  let at = 0;
  let flips_at = -1;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const bytes = Buffer.from(chunk);
      // Frames are written head first, in one piece: a header never lies across two chunks here.
      while (frame_ends_at < at + bytes.length) {
        const start = frame_ends_at - at;
        frame_ends_at += FRAME_HEADER_BYTES - 1 + bytes.readUInt32BE(start);
        if (bytes.readUInt8(start + 4) === frameTypes.extent) extents += 1;
        if (extents === flipped_extent && flips_at < 0) flips_at = at + start + offset_in_frame;
      }
      const place = flips_at - at;
      if (flips_at >= 0 && place >= 0 && place < bytes.length) bytes[place] = (bytes[place] ?? 0) ^ 1;
      at += bytes.length;
      done(null, bytes);
    },
  });
}

interface Copied {
  readonly sent_bytes: number;
  readonly reread: Awaited<ReturnType<typeof reread>>;
}

async function copy(wires: (() => Transform)[]): Promise<Copied> {
  const receiver = new Receiver({
    migration_id: id,
    folder: join(root, 'target'),
    disks: [disk],
    journal_path: join(root, 'journal'),
  });
  const transfer: Transfer = {
    migration_id: id,
    folder: join(root, 'source'),
    disks: [disk],
    endpoint: { address: '127.0.0.1', port: 1, user: 'nobody', host_keys: [] },
    private_key: '',
    local_address: '127.0.0.1',
    limit_bytes_per_second: 0,
    stall_timeout_seconds: 10,
  };
  const serving: Promise<void>[] = [];
  const run = new TransferRun(transfer, {
    open: () => {
      const to_receiver = wires.shift()?.() ?? copying();
      const to_sender = new PassThrough();
      const sender = Duplex.from({ readable: to_sender, writable: to_receiver });
      serving.push(receiver.serve(Duplex.from({ readable: to_receiver, writable: to_sender })));
      const link = new ReceiverLink(new FrameConnection(sender), {
        destroy: () => to_receiver.end(),
        explain: () => null,
      });
      return Promise.resolve(link);
    },
  });
  const { sent_bytes } = await run.send();
  await receiver.stop();
  await Promise.all(serving);
  return { sent_bytes, reread: await reread() };
}

async function reread() {
  const report = await digestDisks(
    {
      do: 'digest',
      migration_id: id,
      journal_path: join(root, 'journal'),
      folder: join(root, 'target'),
      disks: [disk],
    },
    { onProgress: () => undefined, signal: new AbortController().signal },
  );
  if (report.is !== 'digested') throw new Error(JSON.stringify(report));
  return report.reread;
}

describe('a bit that is flipped on the wire', () => {
  test('in the bytes of an extent: found on the disk, and that extent alone is sent again', async () => {
    const first = await copy([() => flipping(5000)]);
    expect(first.reread).toMatchObject({
      damaged: [{ disk: 'disk', offset_bytes: 2 * MEBIBYTE, length_bytes: MEBIBYTE }],
      damaged_count: 1,
    });
    const second = await copy([]);
    expect(second.reread).toMatchObject({ damaged: [], damaged_count: 0, reread_bytes: DISK_BYTES });
    expect(second.sent_bytes).toBeGreaterThan(MEBIBYTE);
    expect(second.sent_bytes).toBeLessThan(1.1 * MEBIBYTE);
  });

  test('in the leaf of an extent: found before the copy is done, and sent again within it', async () => {
    const { reread: found, sent_bytes } = await copy([() => flipping(20)]);
    expect(found).toMatchObject({ damaged: [], damaged_count: 0 });
    expect(sent_bytes).toBeLessThan(DISK_BYTES + 1.1 * MEBIBYTE);
    expect(sent_bytes).toBeGreaterThan(DISK_BYTES + MEBIBYTE);
  });

  test('in the leaf of an extent, and again when that is sent again: the copy fails and names it', async () => {
    // The second time nothing else is sent.
    const copying_twice = copy([() => flipping(20), () => flipping(20, 1)]);
    await expect(copying_twice).rejects.toMatchObject({
      code: 'mover_digest_mismatch',
      values: { disk: 'disk', reason: expect.stringContaining('the 1048576 bytes at offset 2097152') },
    });
  });
});

test('a bit that is flipped in the file of the target is found, and nothing else is sent again', async () => {
  const first = await copy([]);
  const file = openSync(join(root, 'target', 'disk'), 'r+');
  const byte = Buffer.alloc(1);
  readSync(file, byte, 0, 1, 5 * MEBIBYTE + 77);
  writeSync(file, Buffer.from([(byte[0] ?? 0) ^ 0x10]), 0, 1, 5 * MEBIBYTE + 77);
  closeSync(file);
  expect((await reread()).damaged).toEqual([
    { disk: 'disk', offset_bytes: 5 * MEBIBYTE, length_bytes: MEBIBYTE },
  ]);
  const second = await copy([]);
  expect(second.reread.digests).toEqual(first.reread.digests);
  expect(second.sent_bytes).toBeLessThan(1.1 * MEBIBYTE);
});
