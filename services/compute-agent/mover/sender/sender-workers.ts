import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { migrationId, type MigrationId } from '../../../../shared/domain/ids.ts';
import { prepareSpillFolder } from '../disks/spill-file.ts';
import { isRunning, killIfOurs, untilGone, type ProcessIdentity } from '../process-identity.ts';
import { socketsFolder } from '../sockets-folder.ts';
import { WorkerPool, type StartFailure } from '../worker-pool.ts';
import { SENDER_MARK, SenderProcess } from './sender-process.ts';
import { readSender, recordedSenders, removeSender, writeSender } from './sender-record.ts';

export interface SenderWorkersOptions {
  readonly state_path: string;
  readonly idle_max: number;
  readonly cpu_percent: number;
  /** Hears of each sender that has ended before it was ready. */
  readonly onStartFailed?: (failure: StartFailure) => void;
  /** Hears of each sender that was killed, and that no order waits for, when it stays. */
  readonly onStuck?: (error: unknown) => void;
  /** How long a sender may stay that was killed. Nothing: as for all that is killed. */
  readonly kill_seconds_max?: number;
}

/** The sender processes of one host, and which migration each has: on the disk, so that a restarted agent finds them. */
export class SenderWorkers {
  readonly #records_folder: string;
  readonly #pool: WorkerPool<SenderProcess>;
  readonly #kill_seconds_max: number | undefined;

  constructor(options: SenderWorkersOptions) {
    const { state_path, idle_max, cpu_percent, onStartFailed, kill_seconds_max } = options;
    this.#kill_seconds_max = kill_seconds_max;
    this.#records_folder = join(state_path, 'mover', 'senders');
    mkdirSync(this.#records_folder, { recursive: true, mode: 0o700 });
    const sockets_folder = socketsFolder(state_path);
    const spill_folder = prepareSpillFolder(state_path);
    this.#pool = new WorkerPool({
      idle_max,
      create: () => SenderProcess.start(sockets_folder, cpu_percent, spill_folder),
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
    for (const migration of all) if (!this.#isNoted(migration)) removeSender(this.#records_folder, migration);
    return all.filter((migration) => this.#isNoted(migration));
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
  #isNoted(migration: MigrationId): boolean {
    const record = readSender(this.#records_folder, migration);
    return record !== null && isRunning(record.identity);
  }

  /** This one only: the migration may have been given to another since. */
  forget(migration: MigrationId, { pid, start_ticks }: ProcessIdentity): void {
    const noted = readSender(this.#records_folder, migration)?.identity;
    if (noted?.pid === pid && noted.start_ticks === start_ticks)
      removeSender(this.#records_folder, migration);
  }

  /** Others may have it: its transfer has ended well. */
  recycle(worker: SenderProcess): void {
    worker.send({ do: 'forget' });
    this.#pool.recycle(worker);
  }

  /**
   * Whatever state it is in, nobody has to find out. Its record goes when the process has gone, and not before.
   * @throws DroverError mover_process_stuck
   */
  async kill(migration: MigrationId, worker: SenderProcess): Promise<void> {
    // First: as long as one of its threads hangs, the dead process takes connections.
    rmSync(worker.socket_path, { force: true });
    await worker.kill(this.#kill_seconds_max);
    this.forget(migration, worker.identity);
  }

  /** Ends the one that is noted and that nobody can reach, without waiting for its end. */
  killUnreachable(migration: MigrationId): void {
    const record = readSender(this.#records_folder, migration);
    if (record === null) return;
    rmSync(record.socket_path, { force: true });
    killIfOurs(record.identity, SENDER_MARK);
  }

  /** As `kill`, of the one that is noted, reachable or not. @throws DroverError mover_process_stuck */
  async killNoted(migration: MigrationId): Promise<void> {
    const record = readSender(this.#records_folder, migration);
    if (record === null) return;
    rmSync(record.socket_path, { force: true });
    const is_ours = killIfOurs(record.identity, SENDER_MARK);
    if (is_ours) await untilGone(record.identity, 'sender', this.#kill_seconds_max);
    this.forget(migration, record.identity);
  }

  close(): Promise<void> {
    return this.#pool.close();
  }
}
