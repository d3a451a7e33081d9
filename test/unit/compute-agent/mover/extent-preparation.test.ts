import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LeafTable } from '../../../../services/compute-agent/mover/disks/leaf-table.ts';
import type { Extent } from '../../../../services/compute-agent/mover/protocol.ts';
import { ExtentPreparation } from '../../../../services/compute-agent/mover/sender/extent-preparation.ts';
import { PLAIN } from '../../../../services/compute-agent/mover/sender/packing-levels.ts';
import { SendWindow } from '../../../../services/compute-agent/mover/sender/send-window.ts';
import {
  newCounters,
  type SendingOptions,
  type TransferCounters,
} from '../../../../services/compute-agent/mover/sender/session-terms.ts';
import { SourceDisk } from '../../../../services/compute-agent/mover/sender/source-disk.ts';
import { WaitedFor } from '../../../../services/compute-agent/mover/sender/waited-for.ts';

const MEBIBYTE = 2 ** 20;
const DATA_BYTES = 8192;

let root: string;
let source: SourceDisk;
let counters: TransferCounters;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'drover-preparation-'));
  const content = Buffer.alloc(MEBIBYTE);
  content.fill(1, 0, DATA_BYTES);
  writeFileSync(join(root, 'disk'), content);
  source = await SourceDisk.open(root, 'disk');
  counters = newCounters();
});
afterEach(async () => {
  await source.close();
  rmSync(root, { recursive: true });
});

/** One session's preparation: nothing is held on the other side. */
function newSession(): ExtentPreparation {
  const options: Partial<SendingOptions> = {
    disks: [source],
    counters,
    compressor: {
      pack: (bytes: Buffer) => Promise.resolve({ bytes, is_packed: false, step: PLAIN }),
    } as unknown as SendingOptions['compressor'],
    waited_for: new WaitedFor(),
    onActivity: () => undefined,
  };
  const preparation = new ExtentPreparation(options as SendingOptions, new SendWindow(4 * MEBIBYTE));
  preparation.held = [new LeafTable(source.layout)];
  return preparation;
}

async function prepared(session: ExtentPreparation): Promise<Extent> {
  const content = Buffer.alloc(MEBIBYTE);
  content.fill(1, 0, DATA_BYTES);
  const read = {
    disk: 0,
    index: 0,
    source,
    memory: content,
    content: Promise.resolve(content),
  };
  const ready = await session.prepare(read, 0);
  if (ready === null) throw new Error('it need not be sent');
  return ready.extent;
}

test('what was made ready and never left was not sent, so that it is not sent again', async () => {
  await prepared(newSession());
  expect(source.sent.has(0)).toBe(false);
  const session = newSession();
  session.noteLeaving(await prepared(session));
  expect(counters.resent_bytes).toBe(0);
  expect(source.sent.has(0)).toBe(true);
});

test('what has left and leaves again was sent twice: as many bytes as it carries', async () => {
  for (const times of [0, 1, 2]) {
    const session = newSession();
    session.noteLeaving(await prepared(session));
    expect(counters.resent_bytes).toBe(times * DATA_BYTES);
  }
});

test('it counts as dealt with as it leaves, and once however often it is sent', async () => {
  const session = newSession();
  const extent = await prepared(session);
  session.noteLeaving(extent);
  expect(counters).toMatchObject({ processed_bytes: 0, changed_bytes: 0, skipped_bytes: 0 });
  session.noteLeft(extent, 0.25);
  session.noteLeft(extent, 0.5);
  expect(counters).toMatchObject({ processed_bytes: MEBIBYTE / 2, changed_bytes: 0, skipped_bytes: 0 });
  // The connection broke.
  session.noteLeft(extent, 0);
  expect(counters.processed_bytes).toBe(0);
  for (let times = 0; times < 2; times += 1) {
    session.doubt([extent]);
    const again = await prepared(session);
    session.noteLeft(again, 0.5);
    session.noteLeft(again, 1);
    expect(counters).toMatchObject({
      processed_bytes: MEBIBYTE,
      changed_bytes: MEBIBYTE,
      skipped_bytes: MEBIBYTE - DATA_BYTES,
    });
  }
});
