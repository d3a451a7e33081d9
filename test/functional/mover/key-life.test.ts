import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ReceiverAdmission } from '../../../services/compute-agent/mover/mover.ts';
import { identityOf } from '../../../services/compute-agent/mover/process-identity.ts';
import type { AdmissionRecord } from '../../../services/compute-agent/mover/receiver/admission-record.ts';
import { createReceiverAdmission } from '../../../services/compute-agent/mover/receiver-admission.ts';
import { migrationId } from '../../../shared/domain/ids.ts';

const LIFE_SECONDS = 100;
const BEGIN = Date.parse('2026-01-02T00:00:00Z');
const id = migrationId(randomUUID());

let root: string;
let now: number;
let check: () => Promise<void>;
let admission: ReceiverAdmission;
let not_renewed: unknown[];

const newAdmission = (): ReceiverAdmission =>
  createReceiverAdmission({
    state_path: join(root, 't'),
    authorized_keys_path: join(root, 'keys', 'authorized_keys'),
    address: '127.0.0.1',
    port: 1,
    user: 'nobody',
    host_key_paths: [],
    idle_workers: 1,
    onNotRenewed: (error) => not_renewed.push(error),
    clock: {
      now: () => now,
      every: (work) => {
        check = work;
        return () => undefined;
      },
    },
  });

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'drover-key-life-'));
  mkdirSync(join(root, 'folder'));
  now = BEGIN;
  not_renewed = [];
  admission = newAdmission();
  await admission.admit({
    migration_id: id,
    folder: join(root, 'folder'),
    disks: [],
    public_key: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA==',
    source_address: '127.0.0.1',
    expires_in_seconds: LIFE_SECONDS,
  });
});
afterEach(async () => {
  await admission.withdraw(id);
  await admission.close();
  rmSync(root, { recursive: true });
});

const record_path = (): string => join(root, 't', 'mover', 'admissions', `${id}.json`);
const record = (): AdmissionRecord => JSON.parse(readFileSync(record_path(), 'utf8')) as AdmissionRecord;

/** Seconds after the begin at which the key ends, by the file that sshd reads; null: there is none. */
function keyEnds(): number | null {
  const text = readFileSync(join(root, 'keys', 'authorized_keys'), 'utf8');
  const [, date, time] = /expiry-time="(\d{8})(\d{6})Z"/.exec(text) ?? [];
  if (date === undefined || time === undefined) return null;
  const iso = `${date.replace(/(....)(..)(..)/, '$1-$2-$3')}T${time.replace(/(..)(..)(..)/, '$1:$2:$3')}Z`;
  return (Date.parse(iso) - BEGIN) / 1000;
}

const at = async (seconds: number): Promise<number | null> => {
  now = BEGIN + seconds * 1000;
  await check();
  return keyEnds();
};

/** As a sender's relay: what it says does not matter here. */
async function sending(): Promise<Socket> {
  const socket = connect(record().socket_path);
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  await vi.waitUntil(() => record().receiver !== null, { interval: 5, timeout: 20_000 });
  return socket;
}

/** Another agent, whose records name this very process as the receiver: one that runs all the while. */
async function restartWithReceiver(later_ticks: number): Promise<void> {
  await admission.close();
  const { pid, start_ticks } = identityOf(process.pid)!;
  const receiver = { pid, start_ticks: start_ticks + later_ticks };
  writeFileSync(record_path(), JSON.stringify({ ...record(), receiver }));
  admission = newAdmission();
}

describe('the key of a migration', () => {
  test('that nobody sends ends by itself', async () => {
    expect(keyEnds()).toBe(LIFE_SECONDS);
    expect(await at(51)).toBe(LIFE_SECONDS);
    expect(await at(99)).toBe(LIFE_SECONDS);
  });

  test('that is being sent begins a new life when half of the last one is over, and ends with its sender', async () => {
    const socket = await sending();
    expect(await at(49)).toBe(LIFE_SECONDS);
    expect(await at(50)).toBe(150);
    expect(Date.parse(record().expires_at)).toBe(BEGIN + 150_000);
    expect(await at(99)).toBe(150);
    expect(await at(140)).toBe(240);
    socket.destroy();
    await once(socket, 'close');
    // Its receiver hears of it, and then the agent.
    let seconds = 140;
    await vi.waitUntil(
      async () => {
        const before = keyEnds();
        return (await at((seconds += 60))) === before;
      },
      { interval: 5, timeout: 20_000 },
    );
  });

  test.each([
    ['runs', 0, 60, 160],
    ['runs, but the key has ended', 0, 101, null],
    ['has ended', 1, 60, LIFE_SECONDS],
  ])('whose receiver is an agent’s before this one, and %s', async (_, later_ticks, seconds, ends) => {
    await restartWithReceiver(later_ticks);
    expect(await at(seconds)).toBe(ends);
  });

  test('whose withdrawal could not end does not come back with the next agent, which ends it', async () => {
    await restartWithReceiver(0);
    const journal = join(root, 't', 'mover', 'journals', id);
    // In place of a receiver that hangs: something that the withdrawal cannot be done with.
    mkdirSync(journal);
    await expect(admission.withdraw(id)).rejects.toThrow();
    expect(keyEnds()).toBeNull();
    await admission.close();
    admission = newAdmission();
    expect(await at(60)).toBeNull();
    expect(Date.parse(record().expires_at)).toBe(BEGIN + LIFE_SECONDS * 1000);
    await expect(admission.withdraw(id)).rejects.toThrow();
    rmdirSync(journal);
    await admission.withdraw(id);
    expect(existsSync(record_path())).toBe(false);
  });

  test('that was withdrawn does not come back', async () => {
    const socket = await sending();
    now = BEGIN + 60_000;
    const checked = check();
    await Promise.all([checked, admission.withdraw(id)]);
    await check();
    expect(keyEnds()).toBeNull();
    socket.destroy();
  });

  test('that could not be written is told, and renewed by the next check', async () => {
    const socket = await sending();
    const keys = join(root, 'keys');
    const moved = join(root, 'elsewhere');
    renameSync(keys, moved);
    writeFileSync(keys, 'no folder');
    now = BEGIN + 60_000;
    await check();
    expect(not_renewed).toEqual([expect.objectContaining({ code: 'EEXIST' })]);
    unlinkSync(keys);
    renameSync(moved, keys);
    expect(keyEnds()).toBe(LIFE_SECONDS);
    expect(await at(61)).toBe(161);
    expect(not_renewed).toHaveLength(1);
    socket.destroy();
  });
});
