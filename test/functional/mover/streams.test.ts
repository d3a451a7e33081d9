import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startCuttingProxy, type CuttingProxy } from './support/cutting-proxy.ts';
import { admit, sameContent, startPair, watching, type Pair } from './support/pair.ts';

const MEBIBYTE = 1024 * 1024;
const NAMES = ['first', 'second', 'third'];
const DISK_BYTES = 32 * MEBIBYTE;
const TOTAL_BYTES = DISK_BYTES * NAMES.length;
/** Slow enough to be interrupted, fast enough to wait for. */
const RATE = 64 * MEBIBYTE;

let pair: Pair;
let proxy: CuttingProxy;
beforeAll(async () => {
  pair = await startPair();
  proxy = await startCuttingProxy(pair.sshd.port);
  for (const name of NAMES) writeFileSync(join(pair.source, name), randomBytes(DISK_BYTES));
});
afterAll(async () => {
  await proxy.close();
  await pair.close();
});

/** Copies three disks over three connections; `disturb` is called when all of them are there. */
async function copy(disturb: (connections_before: number) => void) {
  const before = proxy.made();
  const admitted = await admit(pair, NAMES, {
    transfer: { limit_bytes_per_second: RATE, connections: 3, connections_min: 3 },
  });
  const transfer = { ...admitted.transfer, endpoint: { ...admitted.endpoint, port: proxy.port } };
  const watch = watching();
  const sent = pair.senders.send(transfer, watch);
  await watch.until(() => proxy.made() === before + 3, 'three connections');
  await watch.until(({ disk_processed_bytes }) => disk_processed_bytes > TOTAL_BYTES / 2, 'the half');
  disturb(before);
  const result = await sent;
  const { migration_id } = transfer;
  const verified = await pair.admission.verify(
    { migration_id, folder: admitted.folder, disks: admitted.disks },
    watching(),
  );
  await pair.admission.withdraw(migration_id);
  for (const name of NAMES) expect(sameContent(pair, admitted.folder, name)).toBe(true);
  expect(verified.digests).toEqual(result.digests);
  expect(result.digests.map(({ name }) => name)).toEqual(NAMES);
  return { result, connections: proxy.made() - before };
}

describe('a copy over several connections', () => {
  test('sends everything once, and its record is in the order of the disks', async () => {
    const { result, connections } = await copy(() => undefined);
    expect(connections).toBe(3);
    expect(result.resent_bytes).toBe(0);
    expect(result.sent_bytes).toBeGreaterThanOrEqual(TOTAL_BYTES);
    expect(result.sent_bytes).toBeLessThan(TOTAL_BYTES * 1.01);
  });

  test('loses nothing when one is cut that does not lead, and makes it again', async () => {
    const { result, connections } = await copy((before) => proxy.cutOne(before + 1));
    expect(connections).toBe(4);
    expect(result.resent_bytes).toBeLessThan(TOTAL_BYTES * 0.2);
  });

  test('goes on where it was when the leading one is cut', async () => {
    const { result, connections } = await copy((before) => proxy.cutOne(before));
    expect(connections).toBeGreaterThanOrEqual(4);
    expect(result.resent_bytes).toBeLessThan(TOTAL_BYTES * 0.4);
  });
});
