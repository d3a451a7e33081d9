import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseRateTimetable } from '../../../shared/config/rate-timetable.ts';
import { createSenderSupervisor } from '../../../services/compute-agent/mover/sender-supervisor.ts';
import { admit, sameContent, startPair, watching, type Pair } from './support/pair.ts';

const MIB = 2 ** 20;
const SLOW = MIB;

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
