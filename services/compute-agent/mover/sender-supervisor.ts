import type { MigrationId } from '../../../shared/domain/ids.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import type { CommandResults, RoundFigures } from '../../../shared/messaging/commands.ts';
import type { HostLimitOptions } from './host-limit.ts';
import type {
  ChangedRanges,
  RoundWish,
  SenderFigures,
  SenderSupervisor,
  Transfer,
  TransferWatch,
} from './mover.ts';
import { addressOf } from './sender/address-of.ts';
import { RunningSenders, type RunningSender } from './sender/running-senders.ts';
import type { SenderProcess } from './sender/sender-process.ts';
import { SenderWorkers } from './sender/sender-workers.ts';
import { SentExtents } from './sender/sent-extents.ts';
import { travellingRanges } from './sender/travelling-ranges.ts';
import type { SenderReport } from './sender/worker-messages.ts';
import type { StartFailure } from './worker-pool.ts';

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
  /** What each sender may take of the host's processors; 100: one core. Nothing: 100. */
  readonly cpu_percent?: number;
}

/** The source's side of all migrations that leave this host. */
export function createSenderSupervisor(options: SenderSupervisorOptions): SenderSupervisor {
  return new HostSenders(options);
}

class HostSenders implements SenderSupervisor {
  readonly #workers: SenderWorkers;
  readonly #running: RunningSenders;
  /** Migrations that wait for a worker, and those that were cancelled meanwhile. */
  readonly #arriving = new Map<MigrationId, Promise<RunningSender>>();
  /** Those of an agent before us that are being taken over. */
  readonly #adopting = new Map<MigrationId, Promise<RunningSender | null>>();
  readonly #cancelled = new Set<MigrationId>();
  readonly #sent = new SentExtents();
  readonly #connections: number;
  #closed = false;

  constructor(options: SenderSupervisorOptions) {
    const { state_path, idle_workers, onStartFailed } = options;
    this.#connections = options.connections ?? 1;
    this.#running = new RunningSenders(options.host_limit ?? {});
    this.#workers = new SenderWorkers({
      state_path,
      idle_max: idle_workers ?? 3,
      cpu_percent: options.cpu_percent ?? 100,
      ...(onStartFailed === undefined ? {} : { onStartFailed }),
    });
    // At once, and not when somebody asks for them: the host's limit is for all of its senders.
    for (const migration_id of this.#workers.noted()) void this.#adopt(migration_id);
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
    if (!running.sending) this.#begin(running, transfer);
    const before = this.#before(transfer.migration_id);
    const now = { limit_bytes_per_second: this.#running.shareOf(running), paused: running.paused };
    const changed = wish.changed === null ? null : travellingRanges(wish.changed);
    const told = { ...this.#configured(transfer), ...now };
    const report = await this.#ask(transfer, running, watch, (worker) =>
      worker.send({ do: 'round', transfer: told, seen: wish.seen, changed, ...before }),
    );
    if (report.is !== 'rounds') throw new Error(`a sender answered "${report.is}" to round`);
    return report.rounds;
  }

  async send(
    transfer: Transfer,
    watch: TransferWatch,
    changed: ChangedRanges | null = null,
  ): Promise<CommandResults['copy']> {
    const { migration_id } = transfer;
    const running = await this.#workerFor(transfer);
    if (!running.busy) this.#begin(running, transfer);
    const limit_bytes_per_second = this.#running.shareOf(running);
    const report = await this.#ask(transfer, running, watch, (worker) =>
      worker.send({
        do: 'send',
        transfer: { ...this.#configured(transfer), limit_bytes_per_second },
        changed: changed === null ? null : travellingRanges(changed),
        ...this.#before(migration_id),
      }),
    );
    if (report.is !== 'sent') throw new Error(`a sender answered "${report.is}" to send`);
    this.#forget(migration_id, running);
    this.#workers.recycle(running.worker);
    return report.result;
  }

  /** What senders that have ended have put on the wire. */
  #before(migration_id: MigrationId) {
    return { sent_before: this.#sent.of(migration_id), totals_before: this.#sent.totalsOf(migration_id) };
  }

  /** The worker that has this migration, here or from before our start; else a new one. */
  async #workerFor(transfer: Transfer): Promise<RunningSender> {
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

  async #findOrTake(migration_id: MigrationId): Promise<RunningSender> {
    const adopted = await this.#adopt(migration_id);
    if (adopted !== null) return adopted;
    const worker = await this.#workers.take();
    if (this.#cancelled.has(migration_id)) {
      await worker.kill();
      throw new DroverError('mover_cancelled', { migration_id });
    }
    this.#workers.note(migration_id, worker, null);
    const { sent_bytes: counted_bytes } = this.#sent.totalsOf(migration_id);
    return this.#add(migration_id, worker, { limit_bytes_per_second: null, counted_bytes });
  }

  /** The sender that an agent before us has given this migration, ours from now on. @returns null when there is none */
  #adopt(migration_id: MigrationId): Promise<RunningSender | null> {
    const present = this.#running.get(migration_id);
    if (present?.worker.alive === true) return Promise.resolve(present);
    const adopting = this.#adopting.get(migration_id) ?? this.#adoptNoted(migration_id);
    this.#adopting.set(migration_id, adopting);
    return adopting;
  }

  async #adoptNoted(migration_id: MigrationId): Promise<RunningSender | null> {
    const adopted = await this.#workers.adopt(migration_id);
    this.#adopting.delete(migration_id);
    if (adopted === null) return null;
    const { worker, limit_bytes_per_second } = adopted;
    const running = this.#add(migration_id, worker, { limit_bytes_per_second, counted_bytes: null });
    if (this.#closed) worker.release();
    return running;
  }

  #add(
    migration_id: MigrationId,
    worker: SenderProcess,
    known: Pick<RunningSender, 'limit_bytes_per_second' | 'counted_bytes'>,
  ): RunningSender {
    const running = this.#running.add(migration_id, worker, known);
    this.#listen(migration_id, running);
    void worker.ended.then(() => {
      // One that we hang up on goes on.
      if (!this.#closed && this.#running.get(migration_id) === running) this.#forget(migration_id, running);
    });
    return running;
  }

  /** Hears what a sender tells of itself. What it answers is for who asks: it keeps its answers. */
  #listen(migration_id: MigrationId, running: RunningSender): void {
    running.worker.listen((report) => {
      if (report.is === 'progress') this.#hear(migration_id, running, report);
      else this.#running.rests(running);
    });
  }

  #hear(
    migration_id: MigrationId,
    running: RunningSender,
    { progress, sent, totals }: Extract<SenderReport, { is: 'progress' }>,
  ): void {
    this.#running.heard(running, progress);
    this.#sent.note(migration_id, progress.round, sent, totals);
  }

  #begin(running: RunningSender, transfer: Transfer): void {
    this.#running.begin(running, transfer);
    this.#workers.note(transfer.migration_id, running.worker, transfer.limit_bytes_per_second);
  }

  /** Asks a worker and waits for its answer, its end or the signal, whichever is first. */
  async #ask(
    transfer: Transfer,
    running: RunningSender,
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
        this.#hear(migration_id, running, report);
        const { limit_bytes_per_second: limit } = running;
        const known = limit === null ? {} : { limit_bytes_per_second: limit };
        return watch.onProgress({ ...report.progress, ...known });
      }
      running.busy = false;
      if (report.is === 'failed') reject(new DroverError(report.code, report.values));
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
      this.#listen(migration_id, running);
    }
  }

  async #discard(migration_id: MigrationId, running: RunningSender): Promise<void> {
    this.#forget(migration_id, running);
    await this.#workers.kill(running.worker);
  }

  #forget(migration_id: MigrationId, running: RunningSender): void {
    this.#workers.forget(migration_id);
    this.#running.remove(migration_id, running);
  }

  has(migration: MigrationId): Promise<boolean> {
    return Promise.resolve(this.#running.get(migration) !== undefined || this.#workers.isNoted(migration));
  }

  figures(): SenderFigures {
    return this.#running.figures();
  }

  async limit(migration: MigrationId, limit_bytes_per_second: number): Promise<void> {
    const running = await this.#adopt(migration);
    if (running === null) return;
    this.#running.limit(running, limit_bytes_per_second);
    this.#workers.note(migration, running.worker, limit_bytes_per_second);
  }

  async pause(migration: MigrationId, paused: boolean): Promise<void> {
    const running = await this.#adopt(migration);
    if (running !== null) this.#running.pause(running, paused);
  }

  async cancel(migration: MigrationId): Promise<void> {
    this.#cancelled.add(migration);
    this.#sent.forget(migration);
    await this.#arriving.get(migration)?.catch(() => undefined);
    const running = await this.#adopt(migration);
    if (running !== null) await this.#discard(migration, running);
    else this.#workers.forget(migration);
  }

  /** Idle senders end. Those that send go on: the next agent takes them over. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#running.close();
    await this.#workers.close();
  }
}
