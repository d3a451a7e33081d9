import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  appendFileSync,
  closeSync,
  openSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ChangedRanges } from '../../../services/compute-agent/mover/mover.ts';
import type { RoundFigures } from '../../../shared/messaging/commands.ts';
import { startCuttingProxy } from './support/cutting-proxy.ts';
import {
  admit,
  sameContent,
  startPair,
  verified,
  watching,
  type Admitted,
  type Pair,
} from './support/pair.ts';

const MEBIBYTE = 1024 * 1024;

let pair: Pair;
beforeAll(async () => {
  pair = await startPair();
});
afterAll(() => pair.close());

/** A disk, and the rounds that are sent of it. */
async function begin(name: string, size_bytes: number, port?: number) {
  const path = join(pair.source, name);
  writeFileSync(path, randomBytes(size_bytes));
  const admitted = await admit(pair, [name]);
  const endpoint = { ...admitted.endpoint, port: port ?? admitted.endpoint.port };
  const transfer = { ...admitted.transfer, endpoint };
  let rounds: readonly RoundFigures[] = [];
  return {
    admitted,
    path,
    staged: join(admitted.folder, name),
    round: async (changed: ChangedRanges | null = null): Promise<RoundFigures> => {
      rounds = await pair.senders.round(transfer, { seen: rounds.length, changed }, watching());
      return rounds.at(-1)!;
    },
    last: (changed: ChangedRanges | null = null) => pair.senders.send(transfer, watching(), changed),
  };
}

function write(path: string, offset: number, bytes: Buffer): void {
  const file = openSync(path, 'r+');
  writeSync(file, bytes, 0, bytes.length, offset);
  closeSync(file);
}

async function expectArrived(admitted: Admitted, digests: unknown, reread_bytes: number): Promise<void> {
  const [disk] = admitted.disks;
  const found = await verified(pair, admitted);
  expect(found).toMatchObject({ digests, damaged_count: 0, reread_bytes });
  expect(sameContent(pair, admitted.folder, disk?.name ?? '')).toBe(true);
  await pair.admission.withdraw(admitted.id);
}

describe('rounds', () => {
  test('send what has changed, and the last look reads only what no round has proved', async () => {
    const { admitted, path, round, last } = await begin('plain', 8 * MEBIBYTE);
    expect(await round()).toMatchObject({
      round: 1,
      changed_bytes: 8 * MEBIBYTE,
      proved_bytes: 8 * MEBIBYTE,
      resent_bytes: 0,
    });
    expect(await round()).toMatchObject({
      round: 2,
      read_bytes: 8 * MEBIBYTE,
      changed_bytes: 0,
      proved_bytes: 0,
    });
    write(path, 3 * MEBIBYTE + 9, randomBytes(100));
    expect(await round()).toMatchObject({ round: 3, changed_bytes: MEBIBYTE, proved_bytes: MEBIBYTE });
    write(path, 5 * MEBIBYTE, Buffer.alloc(MEBIBYTE));
    const { digests, rounds, resent_bytes } = await last();
    expect({ rounds, resent_bytes }).toEqual({ rounds: 4, resent_bytes: 0 });
    await expectArrived(admitted, digests, MEBIBYTE);
  });

  test('read what was named, and what was named is not lost when a round breaks', async () => {
    const proxy = await startCuttingProxy(pair.sshd.port);
    const { admitted, path, round, last } = await begin('named', 8 * MEBIBYTE, proxy.port);
    await round();
    write(path, 2 * MEBIBYTE, randomBytes(4096));
    write(path, 6 * MEBIBYTE - 1, randomBytes(2));
    // The next round finds its connection gone and begins anew.
    proxy.cut();
    const named = [
      { offset_bytes: 2 * MEBIBYTE, length_bytes: 4096 },
      { offset_bytes: 6 * MEBIBYTE - 1, length_bytes: 2 },
    ];
    expect(await round({ named })).toMatchObject({ read_bytes: 3 * MEBIBYTE, changed_bytes: 3 * MEBIBYTE });
    expect(await round({ named: [] })).toMatchObject({ read_bytes: 0, changed_bytes: 0 });
    expect(await round({})).toMatchObject({ read_bytes: 0, changed_bytes: 0 });
    const { digests } = await last({ named: null });
    await expectArrived(admitted, digests, 0);
    expect(proxy.made()).toBe(2);
    await proxy.close();
  });

  test('read what was written in a hundred thousand places', async () => {
    const { admitted, path, round, last } = await begin('scattered', 8 * MEBIBYTE);
    await round();
    write(path, 3 * MEBIBYTE + 8192, randomBytes(4096));
    const places = Array.from({ length: 100_000 }, (_, place) => ({
      offset_bytes: place * 2 * MEBIBYTE + 8192,
      length_bytes: 4096,
    }));
    // Too many to be told: everything is compared, so that nothing is missed.
    expect(await round({ scattered: places })).toMatchObject({
      read_bytes: 8 * MEBIBYTE,
      changed_bytes: MEBIBYTE,
    });
    const dense = places.map(({ offset_bytes }) => ({
      offset_bytes: (offset_bytes / 256) % (4 * MEBIBYTE),
      length_bytes: 4096,
    }));
    expect(await round({ scattered: dense })).toMatchObject({
      read_bytes: 4 * MEBIBYTE,
      changed_bytes: 0,
    });
    const { digests } = await last({ scattered: places });
    await expectArrived(admitted, digests, 0);
  });

  test('follow a file that grows, as a qcow2 does', async () => {
    const { admitted, path, round, last } = await begin('growing', 2 * MEBIBYTE + 700);
    // As the admission has it: what is declared bounds what may come.
    truncateSync(path, 2 * MEBIBYTE + 100);
    await round();
    appendFileSync(path, randomBytes(600));
    expect(await round()).toMatchObject({ changed_bytes: 700 });
    const { digests } = await last({});
    await expectArrived(admitted, digests, 0);
  });

  test('a proof ends with the next write: what is damaged then is found', async () => {
    const { admitted, path, staged, round, last } = await begin('proved', 4 * MEBIBYTE);
    await round();
    write(path, MEBIBYTE, randomBytes(MEBIBYTE));
    const { digests } = await last();
    write(staged, MEBIBYTE + 5, Buffer.from('x'));
    const found = await verified(pair, admitted);
    expect(found.damaged).toEqual([{ disk: 'proved', offset_bytes: MEBIBYTE, length_bytes: MEBIBYTE }]);
    const again = await pair.senders.send(admitted.transfer, watching());
    expect(again.sent_bytes).toBeLessThan(1.1 * MEBIBYTE);
    await expectArrived(admitted, digests, MEBIBYTE);
  });

  test('what a round finds damaged at the target is not proved', async () => {
    const { admitted, staged, round, last } = await begin('rotten', 4 * MEBIBYTE);
    await round();
    // In a proved extent it is not looked for again: it was right when it was read from the disk.
    write(staged, 2 * MEBIBYTE, Buffer.from('x'));
    await last({});
    expect(await verified(pair, admitted)).toMatchObject({ reread_bytes: 0, damaged_count: 0 });
    await pair.admission.withdraw(admitted.id);
  });

  test('a cold copy is read again whole', async () => {
    const { admitted, last } = await begin('cold', 3 * MEBIBYTE);
    const { digests } = await last();
    await expectArrived(admitted, digests, 3 * MEBIBYTE);
  });

  test('go on under the agent that comes after, which hears first what it has missed', async () => {
    const { admitted, path, round, last } = await begin('taken', 8 * MEBIBYTE);
    await round();
    await round({});
    await pair.senders.close();
    pair.senders = pair.newSenders();
    expect(await pair.senders.has?.(admitted.id)).toBe(true);
    write(path, 0, randomBytes(10));
    const transfer = { ...admitted.transfer, private_key: '' };
    const heard = await pair.senders.round(transfer, { seen: 0, changed: null }, watching());
    expect(heard.map((figures) => figures.round)).toEqual([1, 2]);
    // What nobody knew then is read now, though this round is told that nothing has changed.
    const more = await pair.senders.round(transfer, { seen: 2, changed: {} }, watching());
    expect(more.at(-1)).toMatchObject({ round: 3, read_bytes: 8 * MEBIBYTE, changed_bytes: MEBIBYTE });
    const { digests } = await last({});
    await expectArrived(admitted, digests, 0);
  });

  test('zeros of a later round are holes again', async () => {
    const { admitted, path, staged, round, last } = await begin('zeroed', 6 * MEBIBYTE);
    await round();
    const before = statSync(staged).blocks;
    write(path, MEBIBYTE, Buffer.alloc(2 * MEBIBYTE));
    await round();
    const { digests } = await last({});
    execFileSync('sync', [staged]);
    expect(statSync(staged).blocks).toBeLessThan(before - (MEBIBYTE / 512) * 1.5);
    await expectArrived(admitted, digests, 0);
  });
});
