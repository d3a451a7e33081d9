import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { AdmissionRecord } from '../../../../services/compute-agent/mover/receiver/admission-record.ts';
import { MigrationDoor } from '../../../../services/compute-agent/mover/receiver/migration-door.ts';
import type { ReceiverProcess } from '../../../../services/compute-agent/mover/receiver/receiver-process.ts';
import { WorkerPool } from '../../../../services/compute-agent/mover/worker-pool.ts';
import { newMigrationId } from '../samples.ts';

const recordIn = (folder: string): AdmissionRecord => ({
  migration_id: newMigrationId(),
  folder,
  disks: [],
  public_key: '',
  source_address: '',
  expires_in_seconds: 60,
  expires_at: '',
  socket_path: join(folder, 'socket'),
  receiver: null,
});

test('a door whose worker cannot be ended says so each time, until it is gone', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'drover-door-'));
  const stuck = new Error('it stays');
  const served = Promise.withResolvers<void>();
  let stops = 0;
  const worker = {
    identity: { pid: 1, start_ticks: 1 },
    ready: Promise.resolve(),
    ended: new Promise<void>(() => undefined),
    alive: true,
    served: 0,
    listen: () => undefined,
    send: () => served.resolve(),
    stop: () => {
      stops += 1;
      return stops < 3 ? Promise.reject(stuck) : Promise.resolve(false);
    },
    kill: () => Promise.resolve(),
    release: () => undefined,
  };
  const door = new MigrationDoor({
    record: recordIn(folder),
    journal_path: join(folder, 'journal'),
    pool: new WorkerPool({ idle_max: 1, create: () => worker as unknown as ReceiverProcess }),
    keep: () => Promise.resolve(),
  });
  try {
    await door.open();
    const connection = connect(door.record.socket_path);
    await served.promise;
    connection.destroy();
    // Whoever asks meanwhile waits for the same.
    const both = await Promise.allSettled([door.close(), door.close()]);
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(stops).toBe(1);
    await expect(door.close()).rejects.toBe(stuck);
    await door.close();
    await door.close();
    expect(stops).toBe(3);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a worker whose record could not be kept goes back to the pool, and the next connection is served', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'drover-door-'));
  const served = Promise.withResolvers<void>();
  let created = 0;
  const create = () => {
    created += 1;
    // Of a receiver's process the door needs no more than this.
    const worker = {
      identity: { pid: 1, start_ticks: 1 },
      ready: Promise.resolve(),
      ended: new Promise<void>(() => undefined),
      alive: true,
      served: 0,
      listen: () => undefined,
      send: () => served.resolve(),
      stop: () => Promise.resolve(true),
      kill: () => Promise.resolve(),
      release: () => undefined,
    };
    return worker as unknown as ReceiverProcess;
  };
  let is_full = true;
  const door = new MigrationDoor({
    record: recordIn(folder),
    journal_path: join(folder, 'journal'),
    pool: new WorkerPool({ idle_max: 1, create }),
    keep: () => (is_full ? Promise.reject(new Error('no space left on device')) : Promise.resolve()),
  });
  try {
    await door.open();
    const refused = connect(door.record.socket_path);
    await once(refused, 'close');
    expect(door.record.receiver).toBeNull();
    is_full = false;
    const second = connect(door.record.socket_path);
    await served.promise;
    second.destroy();
    expect(created).toBe(1);
    expect(door.record.receiver).toEqual({ pid: 1, start_ticks: 1 });
  } finally {
    await door.close();
    rmSync(folder, { recursive: true });
  }
});

test('an agent that ends hangs up on a connection that still waits for a worker', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'drover-door-'));
  const asked = Promise.withResolvers<void>();
  // A pool that is closed has nobody to give.
  const take = (): Promise<ReceiverProcess> => {
    asked.resolve();
    return new Promise(() => undefined);
  };
  const pool = { take, pids: [] } as unknown as WorkerPool<ReceiverProcess>;
  const door = new MigrationDoor({
    record: recordIn(folder),
    journal_path: join(folder, 'journal'),
    pool,
    keep: () => Promise.resolve(),
  });
  try {
    await door.open();
    const waiting = connect(door.record.socket_path);
    waiting.resume();
    await asked.promise;
    const ended = once(waiting, 'close');
    door.leave();
    await ended;
  } finally {
    rmSync(folder, { recursive: true });
  }
});
