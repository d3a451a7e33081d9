import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { migrationId } from '../../../../shared/domain/ids.ts';
import type { TransferProgress } from '../../../../shared/messaging/messages.ts';
import type { Transfer } from '../../../../services/compute-agent/mover/mover.ts';
import {
  RunningSenders,
  type RunningSender,
} from '../../../../services/compute-agent/mover/sender/running-senders.ts';
import type { SenderProcess } from '../../../../services/compute-agent/mover/sender/sender-process.ts';
import type { SenderRequest } from '../../../../services/compute-agent/mover/sender/worker-messages.ts';

const HOST = 1000;
const transfer = { limit_bytes_per_second: 0 } as Transfer;
const report = (paused: boolean, sent_bytes = 0) => ({ paused, sent_bytes }) as TransferProgress;

let senders: RunningSenders;
beforeEach(() => (senders = new RunningSenders({ bytes_per_second: HOST })));
afterEach(() => senders.close());

/** A sender, and the newest limit that it was told. */
function add(counted_bytes: number | null = 0) {
  let limit: number | null = null;
  const worker = {
    send: (request: SenderRequest) => {
      if (request.do === 'limit') limit = request.limit_bytes_per_second;
    },
    release: () => undefined,
  };
  const known = { limit_bytes_per_second: null, counted_bytes };
  const running: RunningSender = senders.add(
    migrationId(randomUUID()),
    worker as unknown as SenderProcess,
    known,
  );
  return { running, limit: () => limit };
}

test('one that an earlier agent left behind has its part from its first word on', () => {
  const [mine, left] = [add(), add(null)];
  senders.begin(mine.running, transfer);
  expect(mine.limit()).toBe(HOST);
  senders.heard(left.running, report(false, 500));
  expect([mine.limit(), left.limit()]).toEqual([HOST / 2, HOST / 2]);
  // What it had sent before is not this agent's to count.
  senders.heard(left.running, report(false, 700));
  expect(senders.figures()).toMatchObject({ running: 2, sent_bytes: 200 });
  senders.rests(left.running);
  expect(mine.limit()).toBe(HOST);
});

test('whether one stands still is its own word, not that of the order', () => {
  const [one, other] = [add(), add()];
  senders.begin(one.running, { ...transfer, paused: true });
  senders.begin(other.running, transfer);
  expect(other.limit()).toBe(HOST);
  senders.heard(one.running, report(false));
  expect([one.limit(), other.limit()]).toEqual([HOST / 2, HOST / 2]);
  senders.heard(one.running, report(true));
  expect(other.limit()).toBe(HOST);
});

test('what it said before it heard of a pause does not undo it', () => {
  const { running } = add();
  senders.begin(running, transfer);
  senders.heard(running, report(false));
  senders.pause(running, true);
  senders.heard(running, report(false));
  expect(running.paused).toBe(true);
  senders.heard(running, report(true));
  // Confirmed: from now on it is taken at its word again.
  senders.heard(running, report(false));
  expect(running.paused).toBe(false);
});

test('connections are those that senders have told of last', () => {
  const [one, other] = [add(), add()];
  senders.begin(one.running, transfer);
  senders.begin(other.running, transfer);
  expect(senders.figures().connections).toBe(2);
  senders.heard(one.running, { ...report(false), connections: 3 });
  expect(senders.figures().connections).toBe(4);
  senders.rests(one.running);
  expect(senders.figures().connections).toBe(1);
});
