import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { admit, processes, sameContent, startPair, watching, type Pair } from './support/pair.ts';

const MEBIBYTE = 1024 * 1024;
/** Two processes, a new socket and a new file of keys. */
const OTHER_RELAY_MILLISECONDS_MAX = 10_000;

let pair: Pair;
beforeEach(async () => {
  pair = await startPair();
  writeFileSync(join(pair.source, 'disk'), randomBytes(16 * MEBIBYTE));
});
afterEach(() => pair.close());

/** Of the relay that the only admitted key may run. */
function admittedSocket(): string {
  const [, path] = /UNIX-CONNECT:(\S+?)"/.exec(readFileSync(pair.sshd.authorized_keys_path, 'utf8')) ?? [];
  if (path === undefined) throw new Error('no relay is admitted');
  return path;
}

test("no byte of a disk passes through the relay that keeps sshd's session", async () => {
  const { transfer, folder } = await admit(pair, ['disk'], {
    transfer: { limit_bytes_per_second: 8 * MEBIBYTE },
  });
  const watch = watching();
  const copied = pair.senders.send(transfer, watch);
  await watch.until(({ sent_bytes }) => sent_bytes > 4 * MEBIBYTE, 'a quarter of the disk');
  const relays = processes().filter(({ line }) => line.includes(admittedSocket()));
  expect(relays).toHaveLength(1);
  const read = /rchar: (\d+)/.exec(readFileSync(`/proc/${relays[0]?.pid}/io`, 'utf8'));
  expect(Number(read?.[1])).toBeLessThan(MEBIBYTE / 4);
  await pair.senders.limit(transfer.migration_id, 0);
  await copied;
  expect(sameContent(pair, folder, 'disk')).toBe(true);
});

test('where the pipes of a relay cannot be had, the next one passes bytes', async () => {
  const { transfer, folder } = await admit(pair, ['disk']);
  // A relay that is there and has no pipes, as under another sshd.
  const other = spawn('sleep', ['600'], { stdio: 'ignore' });
  try {
    const relay = connect(admittedSocket());
    relay.on('error', () => undefined);
    relay.resume();
    relay.write(readFileSync(`/proc/${other.pid}/stat`));
    await once(relay, 'close');
    await expect
      .poll(() => readFileSync(pair.sshd.authorized_keys_path, 'utf8'), {
        interval: 10,
        timeout: OTHER_RELAY_MILLISECONDS_MAX,
        message: 'keys that run a relay of bytes',
      })
      .toContain('-t 30 - UNIX-CONNECT:');
    await pair.senders.send(transfer, watching());
    expect(sameContent(pair, folder, 'disk')).toBe(true);
  } finally {
    other.kill();
  }
});
