import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseRateTimetable } from '../../../shared/config/rate-timetable.ts';
import { createSenderSupervisor } from '../../../services/compute-agent/mover/sender-supervisor.ts';
import { admit, sameContent, startPair, watching, type Pair } from './support/pair.ts';

const MIB = 2 ** 20;
const SLOW = MIB;
/** At which the disk takes two minutes: longer than any test. */
const CRAWL = MIB / 8;
/** Until a sender that was left behind has told of itself. */
const HEARD = { timeout: 15_000, interval: 10 };

let pair: Pair;
beforeEach(async () => {
  pair = await startPair();
  writeFileSync(join(pair.source, 'disk'), randomBytes(16 * MIB));
});
afterEach(async () => await pair.close());

describe('limits of a copy that runs', () => {
  test('one of the host by the time of day ends with its span', async () => {
    let minute = 8 * 60;
    await pair.senders.close();
    pair.senders = createSenderSupervisor({
      state_path: join(pair.root, 's'),
      host_limit: {
        timetable: parseRateTimetable('mon 08:00-09:00 1MiB/s'),
        wallTime: () => ({ weekday: 1, minute }),
      },
    });
    const { transfer, folder } = await admit(pair, ['disk']);
    const watch = watching();
    const sending = pair.senders.send(transfer, watch);
    const { sent_bytes } = await watch.until((progress) => progress.sent_bytes > MIB / 2, 'half a mebibyte');
    expect(sent_bytes).toBeLessThan(4 * MIB);
    const boundary_at = performance.now();
    minute = 9 * 60;
    await sending;
    // 15 s at the old rate.
    expect(performance.now() - boundary_at).toBeLessThan(5000);
    expect(sameContent(pair, folder, 'disk')).toBe(true);
  });

  test('its own limit is changed while it runs', async () => {
    const { id, transfer, folder } = await admit(pair, ['disk'], {
      transfer: { limit_bytes_per_second: SLOW },
    });
    const watch = watching();
    const sending = pair.senders.send(transfer, watch);
    await watch.until((progress) => progress.sent_bytes > SLOW / 2, 'half a second of sending');
    const changed_at = performance.now();
    await pair.senders.limit(id, 0);
    await sending;
    expect(performance.now() - changed_at).toBeLessThan(5000);
    expect(sameContent(pair, folder, 'disk')).toBe(true);
  });
});

describe('a sender of an agent that was restarted, before any order has come again', () => {
  /** A slow one that was seen to send by an agent that is gone. */
  async function leftBehind(change: { readonly paused?: boolean } = {}) {
    const admitted = await admit(pair, ['disk'], { transfer: { limit_bytes_per_second: CRAWL } });
    const watch = watching();
    // Stays open for ever: its agent closes.
    void pair.senders.send(admitted.transfer, watch);
    await watch.until((progress) => progress.sent_bytes > 0, 'the first bytes');
    if (change.paused === true) {
      await pair.senders.pause(admitted.id, true);
      await watch.until((progress) => progress.paused === true, 'a pause');
    }
    await pair.senders.close();
    pair.senders = createSenderSupervisor({
      state_path: join(pair.root, 's'),
      host_limit: { bytes_per_second: 16 * MIB },
    });
    return { ...admitted, order: { ...admitted.transfer, limit_bytes_per_second: 0, private_key: '' } };
  }

  test('is counted, with what it sends from now on', async () => {
    const { id } = await leftBehind();
    await expect.poll(() => pair.senders.figures?.(), HEARD).toMatchObject({ running: 1, paused: 0 });
    await expect.poll(() => pair.senders.figures?.().sent_bytes, HEARD).toBeGreaterThan(0);
    await pair.senders.cancel(id);
    expect(pair.senders.figures?.()).toMatchObject({ running: 0 });
  });

  test('keeps its own limit, whatever an old order says', async () => {
    const { id, order } = await leftBehind();
    const watch = watching();
    // At once: the order comes before anything that the sender tells when it is time.
    const sending = pair.senders.send(order, watch);
    sending.catch(() => undefined);
    const { limit_bytes_per_second } = await watch.until(() => true, 'anything');
    expect(limit_bytes_per_second).toBe(CRAWL);
    await pair.senders.cancel(id);
  });

  test('obeys a new limit', async () => {
    const { id, order, folder } = await leftBehind();
    await expect.poll(() => pair.senders.figures?.().running, HEARD).toBe(1);
    await pair.senders.limit(id, 0);
    // It ends, which at the rate of the order it would not.
    await pair.senders.send({ ...order, limit_bytes_per_second: CRAWL }, watching());
    expect(sameContent(pair, folder, 'disk')).toBe(true);
  });

  test('stands still when it is told to', async () => {
    const { id, order } = await leftBehind();
    await pair.senders.pause(id, true);
    const watch = watching();
    const sending = pair.senders.send(order, watch);
    sending.catch(() => undefined);
    await watch.until((progress) => progress.paused === true, 'a pause');
    await expect.poll(() => pair.senders.figures?.(), HEARD).toMatchObject({ running: 0, paused: 1 });
    await pair.senders.cancel(id);
  });

  test('that stands still has no part of what the host may send', async () => {
    const { id, order } = await leftBehind({ paused: true });
    await expect.poll(() => pair.senders.figures?.(), HEARD).toMatchObject({ running: 0, paused: 1 });
    // An order from before the pause changes nothing in that.
    const watch = watching();
    const sending = pair.senders.send(order, watch);
    sending.catch(() => undefined);
    await watch.until((progress) => progress.paused === true, 'a pause');
    expect(pair.senders.figures?.()).toMatchObject({ running: 0, paused: 1 });
    await pair.senders.cancel(id);
  });
});

test('a mover takes no more of its host than its share of the processors', async () => {
  // As they cost: either side has to be held back by its own share, and not by the other's slowness.
  const shares = [0.1, 0.06] as const;
  writeFileSync(join(pair.source, 'disk'), randomBytes(80 * MIB));
  await Promise.all([pair.senders.close(), pair.admission.close()]);
  pair.senders = pair.newSenders({ cpu_percent: shares[0] * 100 });
  pair.admission = pair.newAdmission({ cpu_percent: shares[1] * 100 });
  const { id, transfer, folder } = await admit(pair, ['disk']);
  const watch = watching();
  await pair.senders.connect(transfer, watch);
  const movers = [
    join(pair.root, 's', 'mover', 'senders', `${id}.json`),
    join(pair.root, 't', 'mover', 'admissions', `${id}.json`),
  ].map(workerIn);
  const before = movers.map(secondsOf);
  const began_at = performance.now();
  let used: readonly number[] = [];
  let passed_seconds = 0;
  // Before the end: then the workers may be gone.
  const looking = watch.until(({ sent_bytes }) => {
    if (used.length > 0) return true;
    if (sent_bytes < 72 * MIB) return false;
    used = movers.map((pid, place) => secondsOf(pid) - (before[place] ?? 0));
    passed_seconds = (performance.now() - began_at) / 1000;
    return true;
  }, 'nearly the whole disk');
  await Promise.all([pair.senders.send(transfer, watch), looking]);
  for (const [place, share] of shares.entries()) {
    // What is done at once: a burst, the extents that are under way, and ticks of 10 ms.
    expect(used[place], ['sender', 'receiver'][place]).toBeLessThan(share * passed_seconds + 0.1);
  }
  expect(sameContent(pair, folder, 'disk')).toBe(true);
});

/** The worker that a record in an agent's state names, whether it sends or receives. */
function workerIn(path: string): number {
  const record = JSON.parse(readFileSync(path, 'utf8')) as Record<string, { readonly pid?: number } | null>;
  const pid = (record['identity'] ?? record['receiver'])?.pid;
  if (pid === undefined) throw new Error(`${path} names no worker`);
  return pid;
}

const statOf = (pid: number): readonly string[] => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
};
const secondsOf = (pid: number): number => (Number(statOf(pid)[11]) + Number(statOf(pid)[12])) / 100;

describe('a pause', () => {
  /** The newest byte count, when it has not changed for this many reports. */
  const standing = (watch: ReturnType<typeof watching>, reports: number) => {
    let same = 0;
    let last = -1;
    return watch.until(({ paused, sent_bytes }) => {
      same = paused === true && sent_bytes === last ? same + 1 : 0;
      last = sent_bytes;
      return same >= reports;
    }, 'a copy that stands still');
  };

  test('outlasts the stall timeout, costs nothing that was sent, and goes on at once', async () => {
    const { id, transfer, folder } = await admit(pair, ['disk'], {
      // A busy disk may well be silent for one second.
      transfer: { limit_bytes_per_second: 4 * MIB, stall_timeout_seconds: 3 },
    });
    const watch = watching();
    const sending = pair.senders.send(transfer, watch);
    await watch.until((progress) => progress.sent_bytes > MIB, 'a mebibyte');
    await pair.senders.pause(id, true);
    // Sixteen reports at four a second: longer than the stall timeout.
    const { sent_bytes, eta_seconds } = await standing(watch, 16);
    expect(sent_bytes).toBeLessThan(12 * MIB);
    expect(eta_seconds).toBeNull();
    await pair.senders.pause(id, false);
    await pair.senders.limit(id, 0);
    const result = await sending;
    expect(result).toMatchObject({ resent_bytes: 0 });
    expect(result.sent_bytes).toBeLessThan(17 * MIB);
    expect(sameContent(pair, folder, 'disk')).toBe(true);
  });

  test('is known to a copy that begins in it, and outlives the agent', async () => {
    const { id, transfer, folder } = await admit(pair, ['disk'], { transfer: { paused: true } });
    const watch = watching();
    const first = pair.senders.send(transfer, watch);
    first.catch(() => undefined);
    await standing(watch, 1);
    await pair.senders.close();
    pair.senders = pair.newSenders();
    // The order that the agent gets again is an old one: it says nothing of a pause.
    const again = watching();
    const second = pair.senders.send({ ...transfer, paused: false, private_key: '' }, again);
    const { sent_bytes } = await standing(again, 1);
    expect(sent_bytes).toBeLessThan(MIB);
    await pair.senders.pause(id, false);
    await second;
    expect(sameContent(pair, folder, 'disk')).toBe(true);
  });

  test('of a round while the guest runs is not taken for slowness', async () => {
    const { id, transfer } = await admit(pair, ['disk']);
    const watch = watching();
    const held = { ...transfer, paused: true };
    const sending = pair.senders.round(held, { seen: 0, changed: null }, watch);
    await standing(watch, 3);
    await pair.senders.pause(id, false);
    const [round] = await sending;
    expect(round?.paused_seconds).toBeGreaterThan(0.5);
    expect((round?.duration_seconds ?? 0) - (round?.paused_seconds ?? 0)).toBeGreaterThan(0);
    expect(await pair.senders.send({ ...transfer, private_key: '' }, watching())).toMatchObject({
      rounds: 2,
    });
  });

  test('does not keep a cancel from ending it within two seconds', async () => {
    const { id, transfer } = await admit(pair, ['disk'], { transfer: { paused: true } });
    const watch = watching();
    const sending = pair.senders.send(transfer, watch);
    sending.catch(() => undefined);
    await standing(watch, 1);
    const cancelled_at = performance.now();
    await pair.senders.cancel(id);
    await expect(sending).rejects.toMatchObject({ code: 'mover_cancelled' });
    expect(performance.now() - cancelled_at).toBeLessThan(2000);
  });

  test('gives its share of the host limit to the others', async () => {
    await pair.senders.close();
    pair.senders = createSenderSupervisor({
      state_path: join(pair.root, 's'),
      host_limit: { bytes_per_second: 2 * MIB },
    });
    writeFileSync(join(pair.source, 'other'), randomBytes(4 * MIB));
    const held = await admit(pair, ['disk'], { transfer: { paused: true } });
    const free = await admit(pair, ['other']);
    const watch = watching();
    const paused = pair.senders.send(held.transfer, watch);
    paused.catch(() => undefined);
    await standing(watch, 1);
    const sent = watching();
    const sending = pair.senders.send(free.transfer, sent);
    await sent.until((progress) => progress.sent_bytes > 0, 'the first bytes');
    const begun_at = performance.now();
    await sending;
    // Four mebibytes at two a second; at half of that it would take four seconds.
    expect(performance.now() - begun_at).toBeLessThan(3500);
    await pair.senders.cancel(held.id);
  });
});
