import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { MigrationDoor } from '../../../../services/compute-agent/mover/receiver/migration-door.ts';
import type { ReceiverProcess } from '../../../../services/compute-agent/mover/receiver/receiver-process.ts';
import { WorkerPool } from '../../../../services/compute-agent/mover/worker-pool.ts';
import { newMigrationId } from '../samples.ts';

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
    record: {
      migration_id: newMigrationId(),
      folder,
      disks: [],
      public_key: '',
      source_address: '',
      expires_in_seconds: 60,
      expires_at: '',
      socket_path: join(folder, 'socket'),
      receiver: null,
    },
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
