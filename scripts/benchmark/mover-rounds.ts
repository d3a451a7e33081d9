import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { decideAfterRound } from '../../services/compute-agent/mover/round-decision.ts';
import type { ByteRange } from '../../services/compute-agent/mover/mover.ts';
import type { RoundFigures } from '../../shared/messaging/commands.ts';
import { admit, quietly, type BenchHosts } from './mover-hosts.ts';
import { startLink } from './mover-link.ts';

const MEBIBYTE = 1024 * 1024;
const WRITES_PER_SECOND = 20;

interface Guest {
  /** What it has written since it was asked for last, as a dirty bitmap tells it. */
  takeChanged(): readonly ByteRange[];
  stop(): Promise<void>;
}

/** Writes to a disk at a steady rate, here and there, until it is stopped. */
async function startGuest(path: string, size_bytes: number, bytes_per_second: number): Promise<Guest> {
  const file = await open(path, 'r+');
  const length_bytes = Math.floor(bytes_per_second / WRITES_PER_SECOND);
  let changed: ByteRange[] = [];
  let writing = Promise.resolve();
  const write = async (): Promise<void> => {
    const offset_bytes = Math.floor(Math.random() * (size_bytes - length_bytes));
    await file.write(randomBytes(length_bytes), 0, length_bytes, offset_bytes);
    changed.push({ offset_bytes, length_bytes });
  };
  const timer = setInterval(() => {
    writing = writing.then(write);
  }, 1000 / WRITES_PER_SECOND);
  return {
    takeChanged: () => {
      const taken = changed;
      changed = [];
      return taken;
    },
    stop: async () => {
      clearInterval(timer);
      await writing;
      await file.close();
    },
  };
}

export interface WarmFigures {
  /** From the guest's stop until the target's disk is verified. */
  readonly downtime_s: number;
  readonly rounds: readonly RoundFigures[];
}

/** A warm copy of a disk to which a guest writes; rounds go on until they do not help any more. */
export async function copyWarm(
  hosts: BenchHosts,
  name: string,
  guest_bytes_per_second: number,
): Promise<WarmFigures> {
  const { transfer, verify, withdraw } = await admit(hosts, name, {});
  const path = join(hosts.source, name);
  const [disk] = transfer.disks;
  const guest = await startGuest(path, disk?.file_size_bytes ?? 0, guest_bytes_per_second);
  let rounds: readonly RoundFigures[] = [];
  for (;;) {
    const changed = rounds.length === 0 ? null : { [name]: guest.takeChanged() };
    rounds = await hosts.senders.round(transfer, { seen: rounds.length, changed }, quietly);
    const decision = decideAfterRound({ rounds, budget_seconds: 0, reads_all: false });
    if (decision.ended !== null) break;
  }
  await guest.stop();
  const stopped_at = performance.now();
  const sent = await hosts.senders.send(transfer, quietly, { [name]: guest.takeChanged() });
  await verify(sent);
  const downtime_s = (performance.now() - stopped_at) / 1000;
  await withdraw();
  return { downtime_s, rounds };
}

export interface ResumeFigures {
  readonly resent_bytes: number;
  readonly total_bytes: number;
}

/** Kills the sender in the middle and begins again; what that cost is counted on the link. */
export async function copyResumed(hosts: BenchHosts, name: string): Promise<ResumeFigures> {
  const link = await startLink(hosts.sshd.port, {});
  try {
    const undisturbed_bytes = await countOf(link.sent_bytes, async () => {
      const { transfer, withdraw } = await admit(hosts, name, { port: link.port });
      await hosts.senders.send(transfer, quietly);
      await withdraw();
    });
    let total_bytes = 0;
    const disturbed_bytes = await countOf(link.sent_bytes, async () => {
      const { transfer, verify, withdraw } = await admit(hosts, name, { port: link.port });
      total_bytes = transfer.disks[0]?.file_size_bytes ?? 0;
      let killed = false;
      const onProgress = ({ disk_processed_bytes }: { readonly disk_processed_bytes: number }): void => {
        if (killed || disk_processed_bytes < total_bytes / 2) return;
        killed = true;
        killSender(hosts, transfer.migration_id);
      };
      // Killed, it cannot say how it ended; the agent sees it end.
      await hosts.senders.send(transfer, { ...quietly, onProgress }).catch(() => undefined);
      if (!killed) throw new Error('the copy was over before its sender could be killed: use a longer file');
      await verify(await hosts.senders.send(transfer, quietly));
      await withdraw();
    });
    return { resent_bytes: Math.max(disturbed_bytes - undisturbed_bytes, 0), total_bytes };
  } finally {
    await link.close();
  }
}

async function countOf(sent_bytes: () => number, work: () => Promise<void>): Promise<number> {
  const before = sent_bytes();
  await work();
  return sent_bytes() - before;
}

function killSender({ root }: BenchHosts, migration: string): void {
  const record = readFileSync(join(root, 's', 'mover', 'senders', `${migration}.json`), 'utf8');
  const { identity } = JSON.parse(record) as { readonly identity: { readonly pid: number } };
  process.kill(identity.pid, 'SIGKILL');
}

export const GUEST_BYTES_PER_SECOND = 5 * MEBIBYTE;
