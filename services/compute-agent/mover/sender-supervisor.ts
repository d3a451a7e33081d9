import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { MigrationId } from '../../../shared/domain/ids.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import type { CommandResults, RoundFigures } from '../../../shared/messaging/commands.ts';
import { HostLimit, type HostLimitOptions } from './host-limit.ts';
import type {
  ChangedRanges,
  RoundWish,
  SenderFigures,
  SenderSupervisor,
  Transfer,
  TransferWatch,
} from './mover.ts';
import { isRunning } from './process-identity.ts';
import { SenderProcess } from './sender/sender-process.ts';
import { readSender, removeSender, writeSender } from './sender/sender-record.ts';
import { SentExtents } from './sender/sent-extents.ts';
import type { SenderReport } from './sender/worker-messages.ts';
import { socketsFolder } from './sockets-folder.ts';
import { addressOf } from './sender/address-of.ts';
import { WorkerPool, type StartFailure } from './worker-pool.ts';

export interface SenderSupervisorOptions {
  /** Folder of this agent's own state; `mover/` is made below it. */
  readonly state_path: string;
  /** Senders that are started before they are needed. */
  readonly idle_workers?: number;
  /** Hears of each sender that has ended before it was ready. */
  readonly onStartFailed?: (failure: StartFailure) => void;
  /** All transfers of this host together; each gets an equal share. */
  readonly host_limit?: HostLimitOptions;
  /** Connections of one copy whose transfer does not say it. Nothing: 1. */
  readonly connections?: number;
}

interface Running {
  readonly worker: SenderProcess;
  /** The transfer's own limit. */
  limit_bytes_per_second: number;
  paused: boolean;
  sending: boolean;
  /** Of its bytes on the wire, those in our figures; null: an earlier agent counted the first ones. */
  counted_bytes: number | null;
}

/** The source's side of all migrations that leave this host. */
export function createSenderSupervisor(options: SenderSupervisorOptions): SenderSupervisor {
  return new HostSenders(options);
}

class HostSenders implements SenderSupervisor {
  readonly #records_folder: string;
  readonly #pool: WorkerPool<SenderProcess>;
  readonly #running = new Map<MigrationId, Running>();
  /** Migrations that wait for a worker, and those that were cancelled meanwhile. */
  readonly #arriving = new Map<MigrationId, Promise<Running>>();
  readonly #cancelled = new Set<MigrationId>();
  readonly #host_limit: HostLimit;
  readonly #sent = new SentExtents();
  readonly #connections: number;
  #sent_bytes = 0;
  #closed = false;

  constructor(options: SenderSupervisorOptions) {
    this.#records_folder = join(options.state_path, 'mover', 'senders');
    mkdirSync(this.#records_folder, { recursive: true, mode: 0o700 });
    const sockets_folder = socketsFolder(options.state_path);
    this.#connections = options.connections ?? 1;
    this.#host_limit = new HostLimit(options.host_limit ?? {}, () => this.#shareLimits());
    this.#pool = new WorkerPool({
      idle_max: options.idle_workers ?? 3,
      create: () => SenderProcess.start(sockets_folder),
      ...(options.onStartFailed === undefined ? {} : { onStartFailed: options.onStartFailed }),
    });
    this.#pool.warm();
  }

  async connect(transfer: Transfer, watch: TransferWatch): Promise<void> {
    const running = await this.#workerFor(transfer);
    await this.#ask(transfer, running, watch, (worker) =>
      worker.send({ do: 'connect', transfer: this.#configured(transfer) }),
    );
  }

  #configured(transfer: Transfer): Transfer {
    return { connections: this.#connections, ...transfer };
  }

  async round(transfer: Transfer, wish: RoundWish, watch: TransferWatch): Promise<readonly RoundFigures[]> {
    const running = await this.#workerFor(transfer);
    // Between rounds what was set beside them counts, not what the order said once.
    if (!running.sending) {
      running.sending = true;
      running.limit_bytes_per_second = transfer.limit_bytes_per_second;
      running.paused = transfer.paused ?? false;
      this.#shareLimits();
    }
    const sent_before = this.#sent.of(transfer.migration_id);
    const now = { limit_bytes_per_second: this.#shareOf(running), paused: running.paused };
    const report = await this.#ask(transfer, running, watch, (worker) =>
      worker.send({ do: 'round', transfer: { ...this.#configured(transfer), ...now }, ...wish, sent_before }),
    );
    if (report.is !== 'rounds') throw new Error(`a sender answered "${report.is}" to round`);
    return report.rounds;
  }

  async send(
    transfer: Transfer,
    watch: TransferWatch,
    changed: ChangedRanges | null = null,
  ): Promise<CommandResults['copy']> {
    const running = await this.#workerFor(transfer);
    running.sending = true;
    running.limit_bytes_per_second = transfer.limit_bytes_per_second;
    running.paused = transfer.paused ?? false;
    this.#shareLimits();
    const limit_bytes_per_second = this.#shareOf(running);
    const report = await this.#ask(transfer, running, watch, (worker) =>
      worker.send({
        do: 'send',
        transfer: { ...this.#configured(transfer), limit_bytes_per_second },
        changed,
        sent_before: this.#sent.of(transfer.migration_id),
      }),
    );
    if (report.is !== 'sent') throw new Error(`a sender answered "${report.is}" to send`);
    this.#release(transfer.migration_id, running);
    return report.result;
  }

  /** The worker that has this migration, here or from before our start; else a new one. */
  async #workerFor(transfer: Transfer): Promise<Running> {
    const { migration_id } = transfer;
    this.#cancelled.delete(migration_id);
    const present = this.#running.get(migration_id);
    if (present?.worker.alive === true) return present;
    const arriving = this.#arriving.get(migration_id) ?? this.#findOrTake(migration_id);
    this.#arriving.set(migration_id, arriving);
    try {
      return await arriving;
    } finally {
      this.#arriving.delete(migration_id);
    }
  }

  async #findOrTake(migration_id: MigrationId): Promise<Running> {
    const adopted = await this.#adopt(migration_id);
    const worker = adopted ?? (await this.#pool.take());
    const counted_bytes = adopted === null ? 0 : null;
    const running: Running = {
      worker,
      limit_bytes_per_second: 0,
      paused: false,
      sending: false,
      counted_bytes,
    };
    if (this.#cancelled.has(migration_id)) {
      await worker.kill();
      throw new DroverError('mover_cancelled', { migration_id });
    }
    this.#running.set(migration_id, running);
    writeSender(this.#records_folder, migration_id, worker);
    return running;
  }

  async #adopt(migration_id: MigrationId): Promise<SenderProcess | null> {
    const record = readSender(this.#records_folder, migration_id);
    if (record === null) return null;
    const worker = SenderProcess.adopt(record.identity, record.socket_path);
    await worker.ready;
    return worker.alive ? worker : null;
  }

  /** Asks a worker and waits for its answer, its end or the signal, whichever is first. */
  async #ask(
    transfer: Transfer,
    running: Running,
    watch: TransferWatch,
    ask: (worker: SenderProcess) => void,
  ): Promise<SenderReport> {
    const { worker } = running;
    const { migration_id, endpoint } = transfer;
    const { promise, resolve, reject } = Promise.withResolvers<SenderReport>();
    const onAbort = (): void => reject(new DroverError('mover_cancelled', { migration_id }));
    if (watch.signal.aborted) onAbort();
    watch.signal.addEventListener('abort', onAbort, { once: true });
    worker.listen((report) => {
      if (report.is === 'progress') {
        this.#count(running, report.progress.sent_bytes);
        this.#sent.note(migration_id, report.progress.round, report.sent ?? {});
        watch.onProgress({ ...report.progress, limit_bytes_per_second: running.limit_bytes_per_second });
      } else if (report.is === 'failed') reject(new DroverError(report.code, report.values));
      else resolve(report);
    });
    void worker.ended.then(() => {
      // We have hung up: how it ends is for the next agent to hear. This promise stays open.
      if (this.#closed) return;
      const reason = 'the sending process ended';
      if (this.#cancelled.has(migration_id)) onAbort();
      else reject(new DroverError('mover_connection_lost', { ...addressOf(endpoint), reason }));
    });
    ask(worker);
    try {
      return await promise;
    } catch (error) {
      // Whatever state it is in, nobody has to find out: the next transfer gets a fresh one.
      await this.#discard(migration_id, running);
      throw error;
    } finally {
      watch.signal.removeEventListener('abort', onAbort);
      worker.listen(() => undefined);
    }
  }

  #release(migration_id: MigrationId, running: Running): void {
    this.#forget(migration_id, running);
    running.worker.send({ do: 'forget' });
    this.#pool.recycle(running.worker);
  }

  async #discard(migration_id: MigrationId, running: Running): Promise<void> {
    this.#forget(migration_id, running);
    await running.worker.kill();
    rmSync(running.worker.socket_path, { force: true });
  }

  #forget(migration_id: MigrationId, running: Running): void {
    if (this.#running.get(migration_id) === running) this.#running.delete(migration_id);
    removeSender(this.#records_folder, migration_id);
    this.#shareLimits();
  }

  async has(migration: MigrationId): Promise<boolean> {
    if (this.#running.has(migration)) return true;
    const record = readSender(this.#records_folder, migration);
    return record !== null && isRunning(record.identity);
  }

  #count(running: Running, sent_bytes: number): void {
    this.#sent_bytes += Math.max(sent_bytes - (running.counted_bytes ?? sent_bytes), 0);
    running.counted_bytes = sent_bytes;
  }

  figures(): SenderFigures {
    const sending = [...this.#running.values()].filter((running) => running.sending);
    const paused = sending.filter((running) => running.paused).length;
    return {
      running: sending.length - paused,
      paused,
      sent_bytes: this.#sent_bytes,
      limit_bytes_per_second: this.#host_limit.bytes_per_second,
    };
  }

  limit(migration: MigrationId, limit_bytes_per_second: number): Promise<void> {
    const running = this.#running.get(migration);
    if (running !== undefined) {
      running.limit_bytes_per_second = limit_bytes_per_second;
      this.#shareLimits();
    }
    return Promise.resolve();
  }

  pause(migration: MigrationId, paused: boolean): Promise<void> {
    const running = this.#running.get(migration);
    if (running !== undefined) {
      running.paused = paused;
      running.worker.send({ do: 'pause', paused });
      this.#shareLimits();
    }
    return Promise.resolve();
  }

  /** The smaller of the transfer's own limit and its part of the host's. */
  #shareOf(running: Running): number {
    const own = running.limit_bytes_per_second;
    const { bytes_per_second: together } = this.#host_limit;
    if (together === 0) return own;
    const sending = [...this.#running.values()].filter((other) => other.sending && !other.paused).length;
    const share = Math.max(Math.floor(together / Math.max(sending, 1)), 1);
    return own === 0 ? share : Math.min(own, share);
  }

  #shareLimits(): void {
    for (const running of this.#running.values()) {
      if (!running.sending) continue;
      running.worker.send({ do: 'limit', limit_bytes_per_second: this.#shareOf(running) });
    }
  }

  async cancel(migration: MigrationId): Promise<void> {
    this.#cancelled.add(migration);
    this.#sent.forget(migration);
    await this.#arriving.get(migration)?.catch(() => undefined);
    const running = this.#running.get(migration);
    if (running !== undefined) return this.#discard(migration, running);
    const orphan = await this.#adopt(migration);
    if (orphan !== null) {
      await orphan.kill();
      rmSync(orphan.socket_path, { force: true });
    }
    removeSender(this.#records_folder, migration);
  }

  /** Idle senders end. Those that send go on: the next agent takes them over. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#host_limit.close();
    for (const { worker } of this.#running.values()) worker.release();
    await this.#pool.close();
  }
}
