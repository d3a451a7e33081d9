import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { migrationId, type MigrationId } from '../../../../shared/domain/ids.ts';
import { isRunning } from '../process-identity.ts';
import { socketsFolder } from '../sockets-folder.ts';
import { WorkerPool, type StartFailure } from '../worker-pool.ts';
import { SenderProcess } from './sender-process.ts';
import { readSender, recordedSenders, removeSender, writeSender } from './sender-record.ts';

export interface SenderWorkersOptions {
  readonly state_path: string;
  readonly idle_max: number;
  readonly cpu_percent: number;
  /** Hears of each sender that has ended before it was ready. */
  readonly onStartFailed?: (failure: StartFailure) => void;
}

/** The sender processes of one host, and which migration each has: on the disk, so that a restarted agent finds them. */
export class SenderWorkers {
  readonly #records_folder: string;
  readonly #pool: WorkerPool<SenderProcess>;

  constructor({ state_path, idle_max, cpu_percent, onStartFailed }: SenderWorkersOptions) {
    this.#records_folder = join(state_path, 'mover', 'senders');
    mkdirSync(this.#records_folder, { recursive: true, mode: 0o700 });
    const sockets_folder = socketsFolder(state_path);
    this.#pool = new WorkerPool({
      idle_max,
      create: () => SenderProcess.start(sockets_folder, cpu_percent),
      ...(onStartFailed === undefined ? {} : { onStartFailed }),
    });
    this.#pool.warm();
  }

  take(): Promise<SenderProcess> {
    return this.#pool.take();
  }

  /**
   * Before the worker gets anything to do, and when that changes.
   * @param limit_bytes_per_second the transfer's own; null: not known yet
   */
  note(migration: MigrationId, worker: SenderProcess, limit_bytes_per_second: number | null): void {
    const { identity, socket_path } = worker;
    const limit = limit_bytes_per_second === null ? {} : { limit_bytes_per_second };
    writeSender(this.#records_folder, migration, { identity, socket_path, ...limit });
  }

  /** The migrations whose senders still run. What is noted of others is forgotten. */
  noted(): readonly MigrationId[] {
    const all = recordedSenders(this.#records_folder).map(migrationId);
    for (const migration of all) if (!this.isNoted(migration)) this.forget(migration);
    return all.filter((migration) => this.isNoted(migration));
  }

  /** The one that an agent before us has given this migration. @returns null when there is none, or it has ended */
  async adopt(
    migration: MigrationId,
  ): Promise<{ readonly worker: SenderProcess; readonly limit_bytes_per_second: number | null } | null> {
    const record = readSender(this.#records_folder, migration);
    if (record === null) return null;
    const worker = SenderProcess.adopt(record.identity, record.socket_path);
    await worker.ready;
    return worker.alive ? { worker, limit_bytes_per_second: record.limit_bytes_per_second ?? null } : null;
  }

  /** True while the worker that was noted runs, whoever noted it. */
  isNoted(migration: MigrationId): boolean {
    const record = readSender(this.#records_folder, migration);
    return record !== null && isRunning(record.identity);
  }

  forget(migration: MigrationId): void {
    removeSender(this.#records_folder, migration);
  }

  /** Others may have it: its transfer has ended well. */
  recycle(worker: SenderProcess): void {
    worker.send({ do: 'forget' });
    this.#pool.recycle(worker);
  }

  /** Whatever state it is in, nobody has to find out. @throws DroverError mover_process_stuck */
  async kill(worker: SenderProcess): Promise<void> {
    await worker.kill();
    rmSync(worker.socket_path, { force: true });
  }

  close(): Promise<void> {
    return this.#pool.close();
  }
}
