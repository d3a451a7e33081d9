import { randomBytes, randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { duplexPair } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { leaf_pages } from '../../../services/compute-agent/mover/disks/paged-leaves.ts';
import { FrameConnection } from '../../../services/compute-agent/mover/frame-connection.ts';
import type { Transfer } from '../../../services/compute-agent/mover/mover.ts';
import { Receiver } from '../../../services/compute-agent/mover/receiver/serve.ts';
import { ReceiverLink } from '../../../services/compute-agent/mover/sender/receiver-link.ts';
import { TransferRun } from '../../../services/compute-agent/mover/sender/transfer-run.ts';
import { migrationId } from '../../../shared/domain/ids.ts';

const DISK_BYTES = 3 * 1024 * 1024;
const migration_id = migrationId(randomUUID());

let root: string;
let receiver: Receiver;
let can_connect: boolean;
const links: ReceiverLink[] = [];
beforeEach(() => {
  can_connect = true;
  root = mkdtempSync(join(tmpdir(), 'drover-given-back-'));
  for (const folder of ['source', 'target']) mkdirSync(join(root, folder));
  writeFileSync(join(root, 'source', 'disk'), randomBytes(DISK_BYTES));
  receiver = new Receiver({
    migration_id,
    folder: join(root, 'target'),
    disks,
    journal_path: join(root, 'journal'),
  });
});
afterEach(() => rmSync(root, { recursive: true }));

const sizes = {
  virtual_size_bytes: DISK_BYTES,
  file_size_bytes: 2 * DISK_BYTES,
  allocated_bytes: DISK_BYTES,
};
const disks = [{ name: 'disk', format: 'raw' as const, backing: null, ...sizes }];

/** A sender that talks to the receiver in this process: leaves of both are in the same pages. */
function newRun(options: Partial<Transfer> = {}): TransferRun {
  const transfer: Transfer = {
    migration_id,
    folder: join(root, 'source'),
    disks,
    endpoint: { address: '127.0.0.1', port: 1, user: 'nobody', host_keys: [] },
    private_key: '',
    local_address: '127.0.0.1',
    limit_bytes_per_second: 0,
    stall_timeout_seconds: 30,
    ...options,
  };
  const open = (): Promise<ReceiverLink> => {
    if (!can_connect) return Promise.reject(new Error('the target is gone'));
    const [here, there] = duplexPair();
    void receiver.serve(there);
    const destroy = (): void => {
      there.destroy();
      here.destroy();
    };
    const link = new ReceiverLink(new FrameConnection(here), { destroy, explain: () => null });
    links.push(link);
    return Promise.resolve(link);
  };
  return new TransferRun(transfer, { open });
}

test('all memory of leaves is given back after rounds, a break, a disk that grows, and the end', async () => {
  const run = newRun();
  await run.sendRound();
  expect(leaf_pages.resident_bytes).toBeGreaterThan(0);
  const content = randomBytes(DISK_BYTES + 512 * 1024);
  writeFileSync(join(root, 'source', 'disk'), content);
  run.noteChanged(null);
  await run.sendRound();
  links.at(-1)?.destroy();
  writeFileSync(join(root, 'source', 'disk'), content.fill(7, 5, 9));
  run.noteChanged(null);
  await run.send();
  await receiver.stop();
  expect(readFileSync(join(root, 'target', 'disk')).equals(content)).toBe(true);
  expect(links).toHaveLength(2);
  expect(leaf_pages.resident_bytes).toBe(0);
});

test('a transfer that fails with all it knows gives back all memory of leaves', async () => {
  const run = newRun({ stall_timeout_seconds: 1 });
  await run.sendRound();
  expect(leaf_pages.resident_bytes).toBeGreaterThan(0);
  can_connect = false;
  links.at(-1)?.destroy();
  run.noteChanged(null);
  await expect(run.send()).rejects.toMatchObject({ code: 'mover_connection_lost' });
  await receiver.stop();
  expect(leaf_pages.resident_bytes).toBe(0);
});
