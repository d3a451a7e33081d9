import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { truncateSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { extentsWithData } from '../../../services/compute-agent/mover/disks/data-map.ts';
import { ExtentLayout } from '../../../services/compute-agent/mover/disks/extents.ts';
import { SourceDisk } from '../../../services/compute-agent/mover/sender/source-disk.ts';
import { TransferRun } from '../../../services/compute-agent/mover/sender/transfer-run.ts';
import { admit, startPair, watching, type Pair } from './support/pair.ts';

const MEBIBYTE = 1024 * 1024;

let pair: Pair;
beforeAll(async () => {
  pair = await startPair();
  writeFileSync(join(pair.source, 'disk'), randomBytes(8 * MEBIBYTE));
});
afterEach(() => vi.restoreAllMocks());
afterAll(() => pair.close());

const never = (): Promise<never> => new Promise(() => undefined);

describe('a source whose mount is lost', () => {
  /** One that has sent a round; after that a silence of so many seconds is a stall. */
  async function runAfterRound(stall_timeout_seconds: number) {
    const admitted = await admit(pair, ['disk']);
    const transfer = { ...admitted.transfer };
    const run = new TransferRun(transfer);
    await run.sendRound();
    transfer.stall_timeout_seconds = stall_timeout_seconds;
    return { run, id: admitted.id };
  }

  test('is found by its silence when no read is answered, and named', async () => {
    const { run, id } = await runAfterRound(3);
    vi.spyOn(SourceDisk.prototype, 'read').mockImplementation(never);
    const close = vi.spyOn(SourceDisk.prototype, 'close').mockImplementation(never);
    run.noteChanged({ disk: [{ offset_bytes: 5 * MEBIBYTE, length_bytes: 1 }] });
    await expect(run.send()).rejects.toMatchObject({
      code: 'mover_stalled',
      values: { seconds: 3, what: `disk disk to be read at ${5 * MEBIBYTE}` },
    });
    const disks = close.mock.contexts;
    close.mockRestore();
    for (const disk of disks as SourceDisk[]) await disk.close();
    await pair.admission.withdraw(id);
  });

  test('is found when it does not even say where its data is', async () => {
    const { run, id } = await runAfterRound(1);
    vi.spyOn(SourceDisk.prototype, 'beginRound').mockImplementation(never);
    run.noteChanged(null);
    await expect(run.sendRound()).rejects.toMatchObject({
      code: 'mover_stalled',
      values: { what: 'disk disk to say how long it is and where it has data' },
    });
    await run.close();
    await pair.admission.withdraw(id);
  });

  test('ends the process that hangs in it', async () => {
    const { id, transfer } = await admit(pair, ['disk'], { transfer: { stall_timeout_seconds: 1 } });
    // Opening a pipe that nobody writes to blocks, as opening a file of a lost mount does.
    const path = join(pair.root, 'pipe');
    execFileSync('mkfifo', [path]);
    const sending = pair.senders.send({ ...transfer, paths: { disk: path } }, watching());
    await expect(sending).rejects.toMatchObject({
      code: 'mover_stalled',
      values: { what: 'disk disk to be opened' },
    });
    expect(await pair.senders.has?.(id)).toBe(false);
    await pair.admission.withdraw(id);
  });
});

test('a map of the holes that does not come is heard of each second, and then done without', async () => {
  const path = join(pair.source, 'sparse');
  const pipe = join(pair.root, 'silent');
  writeFileSync(path, '');
  truncateSync(path, 128 * MEBIBYTE);
  execFileSync('mkfifo', [pipe]);
  const handle = await open(path);
  try {
    const layout = new ExtentLayout(128 * MEBIBYTE);
    expect((await extentsWithData(path, handle, layout)).has(64)).toBe(false);
    let signs = 0;
    const asking = extentsWithData(pipe, handle, layout, { seconds_max: 1.5, onWork: () => (signs += 1) });
    expect((await asking).has(64)).toBe(true);
    expect(signs).toBe(1);
  } finally {
    await handle.close();
  }
});
