import { randomBytes } from 'node:crypto';
import { statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { admit, startPair, watching, type Pair } from './support/pair.ts';

const MEBIBYTE = 1024 ** 2;

let pair: Pair;
beforeAll(async () => {
  pair = await startPair();
});
afterAll(() => pair.close());

test('a sender whose disk is fuller than it said writes no more than was reserved', async () => {
  writeFileSync(join(pair.source, 'fuller'), randomBytes(12 * MEBIBYTE));
  const { transfer, folder } = await admit(pair, ['fuller'], { reserved_bytes: 5 * MEBIBYTE });
  await expect(pair.senders.send(transfer, watching())).rejects.toMatchObject({
    code: 'mover_target_full',
    message: expect.stringMatching(/5242880 bytes were reserved .* reserve_headroom_percent/) as string,
  });
  expect(statSync(join(folder, 'fuller')).blocks * 512).toBeLessThanOrEqual(5 * MEBIBYTE);
});

test('a sparse disk needs no more than its data, however large it is', async () => {
  const path = join(pair.source, 'sparse');
  writeFileSync(path, randomBytes(3 * MEBIBYTE));
  truncateSync(path, 2000 * MEBIBYTE);
  const { transfer, folder } = await admit(pair, ['sparse'], { reserved_bytes: 4 * MEBIBYTE });
  await pair.senders.send(transfer, watching());
  expect(statSync(join(folder, 'sparse'))).toMatchObject({ size: 2000 * MEBIBYTE });
});
