import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
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
const DISK_BYTES = 96 * MEBIBYTE;
/** Slow enough to be interrupted, fast enough to wait for. */
const RATE = 48 * MEBIBYTE;

let pair: Pair;
beforeAll(async () => {
  pair = await startPair();
  writeFileSync(join(pair.source, 'disk'), randomBytes(DISK_BYTES));
});
afterAll(() => pair.close());

const third = (progress: { readonly disk_processed_bytes: number }): boolean =>
  progress.disk_processed_bytes > DISK_BYTES / 3;

async function expectWhole(admitted: Admitted, result: { readonly digests: unknown }): Promise<void> {
  expect(sameContent(pair, admitted.folder, 'disk')).toBe(true);
  expect(await verified(pair, admitted)).toMatchObject({ digests: result.digests, damaged: [] });
  await pair.admission.withdraw(admitted.id);
  execFileSync('rm', ['-r', admitted.folder]);
}

/** The one process with this mark that works for this pair's migration. */
function pidsOf(mark: string): readonly number[] {
  return processes()
    .filter(({ line }) => line.includes(mark))
    .map(({ pid }) => pid);
}

describe('a copy that is interrupted', () => {
  test('goes on where it was after its connection was cut, and sends little twice', async () => {
    const proxy = await startCuttingProxy(pair.sshd.port);
    try {
      const admitted = await admit(pair, ['disk'], { transfer: { limit_bytes_per_second: RATE } });
      const transfer = { ...admitted.transfer, endpoint: { ...admitted.endpoint, port: proxy.port } };
      const watch = watching();
      const sent = pair.senders.send(transfer, watch);
      await watch.until(third, 'a third');
      proxy.cut();
      await watch.until(
        ({ disk_processed_bytes }) => disk_processed_bytes > (DISK_BYTES * 2) / 3,
        'two thirds',
      );
      proxy.cut();
      const result = await sent;
      expect(proxy.made()).toBe(3);
      expect(result.resent_bytes).toBeLessThan(DISK_BYTES * 0.1);
      expect(result.sent_bytes).toBeLessThan(DISK_BYTES * 1.1);
      await expectWhole(admitted, result);
    } finally {
      await proxy.close();
    }
  });

  test('goes on in the next attempt when the sender was killed', async () => {
    const admitted = await admit(pair, ['disk'], { transfer: { limit_bytes_per_second: RATE } });
    const watch = watching();
    const first = pair.senders.send(admitted.transfer, watch);
    await watch.until(third, 'a third');
    const record = join(pair.root, 's', 'mover', 'senders', `${admitted.id}.json`);
    const { identity } = JSON.parse(execFileSync('cat', [record], { encoding: 'utf8' })) as {
      identity: { pid: number };
    };
    process.kill(identity.pid, 'SIGKILL');
    await expect(first).rejects.toMatchObject({ code: 'mover_connection_lost' });
    // What the next sender tells and counts begins where the last report of this one ended.
    const before = watch.seen.at(-1)?.sent_bytes ?? 0;
    const counted = pair.senders.figures?.().sent_bytes ?? 0;
    const later = watching();
    const result = await pair.senders.send({ ...admitted.transfer, limit_bytes_per_second: 0 }, later);
    expect(result.sent_bytes).toBeLessThan(DISK_BYTES * 0.75);
    expect(later.seen.filter(({ sent_bytes }) => sent_bytes < before)).toEqual([]);
    expect(result.total?.sent_bytes).toBe(before + result.sent_bytes);
    expect(pair.senders.figures?.().sent_bytes).toBe(counted + result.sent_bytes);
    await expectWhole(admitted, result);
  });

  test('tells what is sent twice when sender and receiver were killed', async () => {
    const admitted = await admit(pair, ['disk'], { transfer: { limit_bytes_per_second: RATE } });
    const watch = watching();
    const first = pair.senders.send(admitted.transfer, watch);
    await watch.until(third, 'a third');
    const pidIn = (side: string, folder: string, name: 'receiver' | 'identity'): number => {
      const record = join(pair.root, side, 'mover', folder, `${admitted.id}.json`);
      return (JSON.parse(readFileSync(record, 'utf8')) as Record<string, { pid: number }>)[name]!.pid;
    };
    // What the receiver had not made durable is lost, and the sender cannot tell what that was.
    process.kill(pidIn('t', 'admissions', 'receiver'), 'SIGKILL');
    process.kill(pidIn('s', 'senders', 'identity'), 'SIGKILL');
    await expect(first).rejects.toMatchObject({ code: 'mover_connection_lost' });
    const result = await pair.senders.send({ ...admitted.transfer, limit_bytes_per_second: 0 }, watching());
    expect(result.resent_bytes).toBeGreaterThan(0);
    expect(result.resent_bytes).toBeLessThan(DISK_BYTES * 0.25);
    await expectWhole(admitted, result);
  });

  test('is taken over by the agents that come after those that began it', async () => {
    const admitted = await admit(pair, ['disk'], { transfer: { limit_bytes_per_second: RATE } });
    const watch = watching();
    // Stays open for ever: its agent closes.
    void pair.senders.send(admitted.transfer, watch);
    await watch.until(third, 'a third');
    await pair.senders.close();
    await pair.admission.close();
    pair.senders = pair.newSenders();
    pair.admission = pair.newAdmission();
    const later = watching();
    expect(await pair.senders.has?.(admitted.id)).toBe(true);
    const result = await pair.senders.send({ ...admitted.transfer, private_key: '' }, later);
    expect(await pair.senders.has?.(admitted.id)).toBe(false);
    expect(later.seen[0]?.disk_processed_bytes).toBeGreaterThan(DISK_BYTES / 3);
    // The same process went on: nothing was sent twice, and it knows all that was sent.
    expect(result.resent_bytes).toBe(0);
    expect(result.sent_bytes).toBeGreaterThan(DISK_BYTES);
    await expectWhole(admitted, result);
  });

  test('that has only logged in is taken over, with its key', async () => {
    const admitted = await admit(pair, ['disk']);
    await pair.senders.connect(admitted.transfer, watching());
    await pair.senders.close();
    pair.senders = pair.newSenders();
    expect(await pair.senders.has?.(admitted.id)).toBe(true);
    const without_key = { ...admitted.transfer, private_key: '' };
    await pair.senders.connect(without_key, watching());
    const result = await pair.senders.send(without_key, watching());
    expect(result.resent_bytes).toBe(0);
    await expectWhole(admitted, result);
  });

  test('is found dead by its silence', async () => {
    const proxy = await startCuttingProxy(pair.sshd.port);
    try {
      const admitted = await admit(pair, ['disk'], {
        transfer: { limit_bytes_per_second: RATE, stall_timeout_seconds: 2 },
      });
      const transfer = { ...admitted.transfer, endpoint: { ...admitted.endpoint, port: proxy.port } };
      const watch = watching();
      const sent = pair.senders.send(transfer, watch);
      sent.catch(() => undefined);
      await watch.until(third, 'a third');
      proxy.hang();
      const hung_at = performance.now();
      await expect(sent).rejects.toMatchObject({ code: 'mover_stalled', values: { seconds: 2 } });
      expect(performance.now() - hung_at).toBeLessThan(4000);
      await pair.admission.withdraw(admitted.id);
    } finally {
      await proxy.close();
    }
  });

  test('ends within two seconds when it is cancelled, on both sides', async () => {
    const admitted = await admit(pair, ['disk'], { transfer: { limit_bytes_per_second: MEBIBYTE } });
    const watch = watching();
    const sent = pair.senders.send(admitted.transfer, watch);
    sent.catch(() => undefined);
    await watch.until(({ disk_processed_bytes }) => disk_processed_bytes > 0, 'a beginning');
    const cancelled_at = performance.now();
    await pair.senders.cancel(admitted.id);
    await pair.admission.withdraw(admitted.id);
    expect(performance.now() - cancelled_at).toBeLessThan(2000);
    await expect(sent).rejects.toMatchObject({ code: 'mover_cancelled' });
    expect(readdirSync(join(pair.root, 's', 'mover', 'senders'))).toEqual([]);
    expect(readdirSync(join(pair.root, 't', 'mover', 'journals'))).toEqual([]);
    // sshd notices a moment later, and then its relay ends.
    const relays = (): readonly number[] => pidsOf(join(pair.root, 't', 'mover', 's'));
    const left_milliseconds = 2000 - (performance.now() - cancelled_at);
    await expect.poll(relays, { timeout: left_milliseconds, interval: 10 }).toEqual([]);
    await pair.senders.cancel(admitted.id);
  });

  test('the signal of its watch ends it too', async () => {
    const admitted = await admit(pair, ['disk'], { transfer: { limit_bytes_per_second: MEBIBYTE } });
    const watch = watching();
    const sent = pair.senders.send(admitted.transfer, watch);
    sent.catch(() => undefined);
    await watch.until(({ disk_processed_bytes }) => disk_processed_bytes > 0, 'a beginning');
    watch.controller.abort();
    await expect(sent).rejects.toMatchObject({ code: 'mover_cancelled' });
    await pair.admission.withdraw(admitted.id);
  });
});

describe('a limit', () => {
  test('is kept, and a new one is felt within a second', async () => {
    const slow = 2 * MEBIBYTE;
    const admitted = await admit(pair, ['disk'], { transfer: { limit_bytes_per_second: slow } });
    const watch = watching();
    const sent = pair.senders.send(admitted.transfer, watch);
    const first = await watch.until(({ sent_bytes }) => sent_bytes > 0, 'a beginning');
    const began_at = performance.now();
    const second = await watch.until(
      ({ sent_bytes }) => sent_bytes > first.sent_bytes + slow,
      'two MiB more',
    );
    const rate = (second.sent_bytes - first.sent_bytes) / ((performance.now() - began_at) / 1000);
    expect(rate).toBeLessThan(slow * 1.4);
    await pair.senders.limit(admitted.id, 32 * MEBIBYTE);
    const changed_at = performance.now();
    await watch.until(({ sent_bytes }) => sent_bytes > second.sent_bytes + 16 * MEBIBYTE, '16 MiB more');
    // Half a second at the new rate, eight at the old one.
    expect(performance.now() - changed_at).toBeLessThan(4000);
    await pair.senders.limit(admitted.id, 0);
    await expectWhole(admitted, await sent);
  });
});

describe('a target without room', () => {
  test.skipIf(process.getuid?.() !== 0)(
    'is a clear error, and nothing is left of the connection',
    async () => {
      const small = join(pair.root, 'small');
      mkdirSync(small);
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', small]);
      try {
        const { id, transfer } = await admit(pair, ['disk'], { folder: small });
        const watch = watching();
        const attempt = pair.senders.send(transfer, watch);
        await expect(attempt).rejects.toMatchObject({ code: 'mover_target_full', values: { disk: 'disk' } });
        // However soon it came to this: what was sent until then is known.
        expect(watch.seen.at(-1)?.sent_bytes).toBeGreaterThan(0);
        await pair.admission.withdraw(id);
        expect(statSync(join(small, 'disk')).size).toBe(DISK_BYTES);
      } finally {
        execFileSync('umount', [small]);
      }
    },
  );
});
