import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { MigrationId } from '../../../shared/domain/ids.ts';
import { isRunning } from '../../../services/compute-agent/mover/process-identity.ts';
import { SenderProcess } from '../../../services/compute-agent/mover/sender/sender-process.ts';
import type { SenderRecord } from '../../../services/compute-agent/mover/sender/sender-record.ts';
import type { SenderReport } from '../../../services/compute-agent/mover/sender/worker-messages.ts';
import { createSenderSupervisor } from '../../../services/compute-agent/mover/sender-supervisor.ts';
import { admit, startPair, watching, type Pair } from './support/pair.ts';

const MEBIBYTE = 2 ** 20;
/** At which the disk takes longer than any test. */
const CRAWL = MEBIBYTE / 8;
const bounded = { timeout: 15_000, interval: 10 };

let pair: Pair;
beforeEach(async () => {
  pair = await startPair();
  writeFileSync(join(pair.source, 'disk'), randomBytes(16 * MEBIBYTE));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await pair.close();
});

const recordPath = (id: MigrationId): string => join(pair.root, 's', 'mover', 'senders', `${id}.json`);
const recordOf = (id: MigrationId) => JSON.parse(readFileSync(recordPath(id), 'utf8')) as SenderRecord;
const runs = (record: SenderRecord): boolean => isRunning(record.identity);

/** One that sends slowly, and how its copy ends. */
async function sendingSlowly() {
  const admitted = await admit(pair, ['disk'], { transfer: { limit_bytes_per_second: CRAWL } });
  const watch = watching();
  const sending = pair.senders.send(admitted.transfer, watch);
  sending.catch(() => undefined);
  await watch.until((progress) => progress.sent_bytes > 0, 'the first bytes');
  return { ...admitted, sending, record: recordOf(admitted.id) };
}

/** A pipe that nobody writes to: opening it blocks, as opening a file of a lost mount does. */
function silentPipe(): string {
  const path = join(pair.root, 'pipe');
  execFileSync('mkfifo', [path]);
  return path;
}

test('one that nobody needs ends, though a disk keeps it from being opened', async () => {
  const { id, transfer } = await admit(pair, ['disk'], { transfer: { stall_timeout_seconds: 1 } });
  const worker = SenderProcess.start(pair.root, 100);
  await worker.ready;
  const stalled = new Promise<SenderReport>((resolve) =>
    worker.listen((report) => {
      if (report.is !== 'progress') resolve(report);
    }),
  );
  const nothing = { sent_before: {}, totals_before: { sent_bytes: 0, resent_bytes: 0 } };
  worker.send({
    do: 'send',
    transfer: { ...transfer, paths: { disk: silentPipe() } },
    changed: null,
    ...nothing,
  });
  expect(await stalled).toMatchObject({ is: 'failed', code: 'mover_stalled' });
  worker.send({ do: 'forget' });
  worker.release();
  await expect.poll(() => isRunning(worker.identity), bounded).toBe(false);
  await pair.admission.withdraw(id);
});

test('one that hangs up is ended before it is forgotten', async () => {
  const { id, sending, record } = await sendingSlowly();
  // Who connects later is its agent: it hangs up on the one before.
  const other = connect(record.socket_path);
  await expect(sending).rejects.toMatchObject({ code: 'mover_connection_lost' });
  expect(runs(record)).toBe(false);
  expect(existsSync(recordPath(id))).toBe(false);
  other.destroy();
  await pair.admission.withdraw(id);
});

test('one that cannot be reached is ended, and takes no orders', async () => {
  const { id, record } = await sendingSlowly();
  rmSync(record.socket_path);
  await pair.senders.close();
  pair.senders = pair.newSenders();
  expect(await pair.senders.has?.(id)).toBe(false);
  await pair.senders.cancel(id);
  expect(runs(record)).toBe(false);
  expect(existsSync(recordPath(id))).toBe(false);
  await pair.admission.withdraw(id);
});

test('one that stays when it is killed hides no failure; only who cancels hears of it', async () => {
  const told: unknown[] = [];
  await pair.senders.close();
  const state_path = join(pair.root, 's');
  pair.senders = createSenderSupervisor({
    state_path,
    onStuck: (error) => told.push(error),
    kill_seconds_max: 0.2,
  });
  const { id, transfer } = await admit(pair, ['disk'], { transfer: { stall_timeout_seconds: 1 } });
  const sending = pair.senders.send({ ...transfer, paths: { disk: silentPipe() } }, watching());
  sending.catch(() => undefined);
  await expect.poll(() => existsSync(recordPath(id)), bounded).toBe(true);
  const record = recordOf(id);
  // As one that hangs in the kernel: the signal is taken, and nothing happens.
  const kill = vi.spyOn(process, 'kill').mockReturnValue(true);
  await expect(sending).rejects.toMatchObject({
    code: 'mover_stalled',
    values: { what: 'disk disk to be opened' },
  });
  const stuck = { code: 'mover_process_stuck', values: { what: 'sender', pid: record.identity.pid } };
  expect(told).toMatchObject([stuck]);
  expect(await pair.senders.has?.(id)).toBe(false);
  await expect(pair.senders.cancel(id)).rejects.toMatchObject(stuck);
  kill.mockRestore();
  await pair.senders.cancel(id);
  expect(runs(record)).toBe(false);
  await pair.admission.withdraw(id);
});
