import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { InstanceSpec } from '../../../shared/domain/instance-spec.ts';
import { PowerState } from '../../../shared/domain/states.ts';
import type { StepProgress } from '../../../shared/messaging/messages.ts';
import { Move, openDiskPair, placeGuest, type DiskPair } from './disk-pair.ts';

/** Warm moves with real disks, a real mover and sshd, and a guest that writes all the while. */
const MEBIBYTE = 1024 ** 2;
const DISK_BYTES = 64 * MEBIBYTE;
const LIMIT = 32 * MEBIBYTE;

let hosts: DiskPair;
let spec: InstanceSpec;
let move: Move;
beforeEach(async () => {
  hosts = await openDiskPair();
  spec = await placeGuest(hosts.source, (folder) => {
    writeFileSync(join(folder, 'disk'), randomBytes(DISK_BYTES / 2));
    // The rest is a hole, into which the guest writes as well.
    truncateSync(join(folder, 'disk'), DISK_BYTES);
    return [{ name: 'disk', format: 'raw', backing: null }];
  });
  move = new Move(hosts.source, hosts.target, spec);
  await move.admit();
});
afterEach(() => hosts.close());

/** The guest runs, and writes so much a second once this has resolved. */
async function startGuest(write_bytes_per_second: number): Promise<void> {
  await move.here.run('power_on', {}, 1);
  writeFileSync(
    join(hosts.root, 'source', 'knobs.json'),
    JSON.stringify({ guest_write_bytes_per_second: write_bytes_per_second }),
  );
  const disk = sourceDisk();
  const before = readFileSync(disk);
  await expect.poll(() => readFileSync(disk).equals(before), { timeout: 5000 }).toBe(false);
}

const sourceDisk = (): string => join(hosts.source.instances_path, spec.id, 'disk');
const stagedDisk = (): string => join(hosts.target.instances_path, `${spec.id}.staging`, 'disk');
const isRunning = async (): Promise<boolean> =>
  (await hosts.source.hypervisor.describe(spec.id))?.power_state === PowerState.running;

const precopyOrder = (downtime_budget_seconds: number, limit_bytes_per_second = LIMIT) => ({
  ...move.order(),
  limit_bytes_per_second,
  downtime_budget_seconds,
});

/** From the stop to the look at what has arrived. @returns how many bytes travelled and were read again meanwhile */
async function finish(): Promise<{ sent_bytes: number; reread_bytes: number }> {
  await move.here.run('stop', { shutdown_timeout_seconds: 1 }, 1);
  const at_stop = readFileSync(sourceDisk());
  const copied = (
    await move.here.run('copy', { ...move.order(), limit_bytes_per_second: LIMIT, after_precopy: true }, 1)
  ).result;
  const found = (await move.there.run('verify', { disks: move.transfer_disks }, 1)).result;
  expect(found).toMatchObject({ digests: copied.digests, damaged_count: 0 });
  // Nothing was written after the stop, and what was is there.
  expect(readFileSync(sourceDisk()).equals(at_stop)).toBe(true);
  expect(readFileSync(stagedDisk()).equals(at_stop)).toBe(true);
  return { sent_bytes: copied.sent_bytes, reread_bytes: found.reread_bytes ?? Infinity };
}

describe.each([
  ['the hypervisor names what was written', true],
  ['what was written is found by digest', false],
])('a warm migration where %s', (_, names) => {
  test('stops the guest for the rest only, and brings what it wrote last', async () => {
    if (!names) hosts.source.hypervisor.takeDirty = () => Promise.resolve(null);
    await startGuest(2 * MEBIBYTE);
    const { result } = await move.here.run('precopy', precopyOrder(1.7), 1);
    expect(await isRunning()).toBe(true);
    const [first, second] = result.rounds;
    expect(result.ended).toBe('fits_budget');
    expect(result.rounds.map(({ round }) => round)).toEqual(result.rounds.map((_round, index) => index + 1));
    expect(first?.changed_bytes).toBeGreaterThanOrEqual(DISK_BYTES / 2);
    expect(first?.proved_bytes).toBe(first?.changed_bytes);
    expect(second?.changed_bytes).toBeGreaterThan(0);
    expect(second?.changed_bytes).toBeLessThan(DISK_BYTES / 4);
    if (names) expect(second?.read_bytes).toBeLessThan(DISK_BYTES / 4);
    else expect(second?.read_bytes).toBeGreaterThanOrEqual(DISK_BYTES / 2);

    const last = await finish();
    // A cold one is off while half the disk travels and is looked at. How long that takes is for the benchmark.
    expect(last.sent_bytes).toBeLessThan(DISK_BYTES / 8);
    expect(last.reread_bytes).toBeLessThan(DISK_BYTES / 4);
    const rounds = hosts.source.events
      .filter((event): event is StepProgress => event.type === 'step_progress')
      .flatMap(({ progress }) => (progress === null ? [] : [progress.round]));
    expect(new Set(rounds).size).toBeGreaterThan(1);
  });
});

test('a guest that writes faster than the line is stopped when that no longer helps', async () => {
  await startGuest(96 * MEBIBYTE);
  const { result } = await move.here.run('precopy', precopyOrder(0.1, 64 * MEBIBYTE), 1);
  expect(result.ended).toBe('not_shrinking');
  expect(result.predicted_downtime_seconds).toBeGreaterThan(0.1);
  expect(await isRunning()).toBe(true);
  await finish();
});

test('cancelled in its rounds: both sides are clean within two seconds, and the guest has run throughout', async () => {
  await startGuest(MEBIBYTE);
  const boot = hosts.source.hypervisor.state(spec.id)?.boot_id;
  const copying = move.here.answer('precopy', precopyOrder(0, MEBIBYTE), 1);
  await expect
    .poll(() => hosts.source.events.some(({ type }) => type === 'step_progress'), { timeout: 10_000 })
    .toBe(true);
  const began_at = performance.now();
  await move.here.run('abort_copy', {}, 1);
  await move.there.run('unadmit', {}, 1);
  expect(performance.now() - began_at).toBeLessThan(2000);
  expect(await copying).toMatchObject({ type: 'step_failed', code: 'command_superseded' });
  expect(hosts.target.folders()).toEqual([]);
  expect(readdirSync(join(hosts.root, 't', 'mover', 'journals'))).toEqual([]);
  expect(hosts.source.hypervisor.state(spec.id)?.boot_id).toBe(boot);
  expect(await isRunning()).toBe(true);
});

test('a new limit is felt in the rounds, and lasts', async () => {
  await startGuest(MEBIBYTE);
  const copying = move.here.run('precopy', precopyOrder(1.5, MEBIBYTE), 1);
  await expect
    .poll(() => hosts.source.events.some(({ type }) => type === 'step_progress'), { timeout: 10_000 })
    .toBe(true);
  await move.here.run('limit', { limit_bytes_per_second: 0 }, 1);
  const began_at = performance.now();
  const { result } = await copying;
  // Half a minute at the old rate.
  expect(performance.now() - began_at).toBeLessThan(8000);
  expect(result.rounds.length).toBeGreaterThan(1);
  await move.here.run('abort_copy', {}, 1);
});

test('a sender that is killed in the rounds: the next try goes on, and what the guest wrote is not lost', async () => {
  await startGuest(2 * MEBIBYTE);
  const copying = move.here.answer('precopy', precopyOrder(1.7, 16 * MEBIBYTE), 1);
  const record = join(hosts.root, 's', 'mover', 'senders', `${move.migration_id}.json`);
  const isUnderWay = () =>
    hosts.source.events.some(
      (event) => event.type === 'step_progress' && (event.progress?.disk_processed_bytes ?? 0) > 8 * MEBIBYTE,
    );
  await expect.poll(isUnderWay, { timeout: 5000 }).toBe(true);
  const { identity } = JSON.parse(execFileSync('cat', [record], { encoding: 'utf8' })) as {
    identity: { pid: number };
  };
  process.kill(identity.pid, 'SIGKILL');
  expect(await copying).toMatchObject({ code: 'mover_connection_lost', retriable: true });
  const { result } = await move.here.run('precopy', precopyOrder(1.7), 1);
  // What was durable at the target was not sent once more.
  expect(result.rounds[0]?.changed_bytes).toBeLessThan(DISK_BYTES / 2);
  await finish();
});
