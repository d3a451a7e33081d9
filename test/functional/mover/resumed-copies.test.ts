import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { ExtentLayout } from '../../../services/compute-agent/mover/disks/extents.ts';
import { LeafTable } from '../../../services/compute-agent/mover/disks/leaf-table.ts';
import { noteHeld, nothingHeld } from '../../../services/compute-agent/mover/receiver/held-extents.ts';
import { readJournal } from '../../../services/compute-agent/mover/receiver/journal.ts';
import { UNACKNOWLEDGED_BYTES_MAX } from '../../../services/compute-agent/mover/sender/sending-session.ts';
import type { MigrationId } from '../../../shared/domain/ids.ts';
import { startCuttingProxy } from './support/cutting-proxy.ts';
import {
  admit,
  processes,
  sameContent,
  startPair,
  verified,
  watching,
  type Admitted,
  type Pair,
} from './support/pair.ts';

const MEBIBYTE = 1024 * 1024;
const DISK_BYTES = 176 * MEBIBYTE;
/** More than may be sent again: a copy that began anew would show. */
const BREAK_AT_BYTES = UNACKNOWLEDGED_BYTES_MAX + 8 * MEBIBYTE;
/** What arrives before the break. Some of it is not durable, and so much is left that the copy cannot have ended. */
const HELD_AFTER_BYTES = BREAK_AT_BYTES + 32 * MEBIBYTE;
const layout = new ExtentLayout(DISK_BYTES);

let pair: Pair;
beforeAll(async () => {
  pair = await startPair();
  writeFileSync(join(pair.source, 'disk'), randomBytes(DISK_BYTES));
});
afterAll(() => pair.close());

/** What survives whatever ends now. */
async function durableBytes(id: MigrationId): Promise<number> {
  const journal = await readJournal(join(pair.root, 't', 'mover', 'journals', id), id);
  if (journal === null) return 0;
  const held = nothingHeld(new LeafTable(layout));
  await noteHeld(journal, [held], () => undefined);
  const { leaves } = held;
  let bytes = 0;
  for (let index = 0; index < layout.count; index += 1) {
    if (!leaves.isZero(index) && !leaves.isUnknown(index)) bytes += layout.length(index);
  }
  leaves.close();
  return bytes;
}

/** Begins a copy, breaks it where it is held, and looks at how it ends. */
async function breakOnce(breakCopy: (admitted: Admitted) => void): Promise<void> {
  const proxy = await startCuttingProxy(pair.sshd.port, HELD_AFTER_BYTES);
  try {
    const admitted = await admit(pair, ['disk']);
    const { id, folder, endpoint } = admitted;
    const transfer = { ...admitted.transfer, endpoint: { ...endpoint, port: proxy.port } };
    const sent = pair.senders.send(transfer, watching());
    sent.catch(() => undefined);
    const isDue = async (): Promise<boolean> => (await durableBytes(id)) >= BREAK_AT_BYTES;
    await vi.waitUntil(isDue, { timeout: 20_000, interval: 10 });
    expect(proxy.made()).toBe(1);
    breakCopy(admitted);
    const result = await sent;
    expect(proxy.made()).toBeGreaterThan(1);
    expect(result.resent_bytes).toBeLessThanOrEqual(UNACKNOWLEDGED_BYTES_MAX);
    expect(result.sent_bytes).toBeGreaterThan(DISK_BYTES);
    expect(result.sent_bytes).toBeLessThan(DISK_BYTES * 1.01 + UNACKNOWLEDGED_BYTES_MAX);
    expect(sameContent(pair, folder, 'disk')).toBe(true);
    expect(await verified(pair, admitted)).toMatchObject({ digests: result.digests, damaged: [] });
    await pair.admission.withdraw(id);
    execFileSync('rm', ['-r', folder]);
  } finally {
    await proxy.close();
  }
}

/** @returns null when it has just ended */
function parentOf(pid: number): number | null {
  try {
    return Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.[1]);
  } catch {
    return null;
  }
}

/** The processes of sshd that serve a connection, and not what they run. */
function sshdSessions(): readonly number[] {
  const sessions: number[] = [];
  const look = (parent: number): void => {
    for (const { pid, line } of processes()) {
      if (parentOf(pid) !== parent || !line.includes('sshd')) continue;
      sessions.push(pid);
      look(pid);
    }
  };
  look(pair.sshd.pid);
  return sessions;
}

describe('a copy goes on where it was', () => {
  test('when its receiver was killed', async () => {
    await breakOnce(({ id }) => {
      const record = readFileSync(join(pair.root, 't', 'mover', 'admissions', `${id}.json`), 'utf8');
      const { receiver } = JSON.parse(record) as { receiver: { pid: number } };
      process.kill(receiver.pid, 'SIGKILL');
    });
  });

  test('when the sshd of its session was killed', async () => {
    await breakOnce(() => {
      const sessions = sshdSessions();
      expect(sessions.length).toBeGreaterThan(0);
      for (const pid of sessions) process.kill(pid, 'SIGKILL');
    });
  });
});
