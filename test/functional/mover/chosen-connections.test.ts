import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startLink } from '../../../scripts/benchmark/mover-link.ts';
import { admit, sameContent, startPair, verified, watching, type Pair } from './support/pair.ts';

const MEBIBYTE = 1024 * 1024;
/** Each way: sshd lets 2 MiB be under way, so one connection carries 10 MiB/s at most, whatever the machine can do. */
const WAY_MILLISECONDS = 100;
/** So one alone needs nine seconds, or more: a slow machine only leaves more time for a look. */
const DISK_BYTES = 96 * MEBIBYTE;

let pair: Pair;
beforeAll(async () => {
  pair = await startPair();
  writeFileSync(join(pair.source, 'disk'), randomBytes(DISK_BYTES));
});
afterAll(() => pair.close());

/** Copies the disk over the long way. @returns what has been made on it */
async function copy(connections: number) {
  const link = await startLink(pair.sshd.port, { delay_milliseconds: WAY_MILLISECONDS });
  try {
    const admitted = await admit(pair, ['disk'], { transfer: { connections } });
    const transfer = { ...admitted.transfer, endpoint: { ...admitted.endpoint, port: link.port } };
    const result = await pair.senders.send(transfer, watching());
    expect(sameContent(pair, admitted.folder, 'disk')).toBe(true);
    expect(await verified(pair, admitted)).toMatchObject({ digests: result.digests, damaged: [] });
    await pair.admission.withdraw(admitted.id);
    return { made: link.made(), resent_bytes: result.resent_bytes };
  } finally {
    await link.close();
  }
}

test('a copy over a long way tries of itself whether more connections carry more, and loses nothing by it', async () => {
  const { made, resent_bytes } = await copy(4);
  expect(made).toBeGreaterThan(1);
  expect(resent_bytes).toBe(0);
});
