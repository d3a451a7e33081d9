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
import type { RunningSender } from './sender/running-senders.ts';
import type { SenderProcess } from './sender/sender-process.ts';
import { SenderRoster } from './sender/sender-roster.ts';
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
  /** Hears of each sender that was killed and stays, unless a cancel fails for it. */
  readonly onStuck?: (error: unknown) => void;
  /** How long a sender may stay that was killed. Nothing: as for all that is killed. */
  readonly kill_seconds_max?: number;
  /** All transfers of this host together; each gets an equal share. */
  readonly host_limit?: HostLimitOptions;
  /** Connections of one copy whose transfer does not say it, at most and at least. Nothing: 1. */
  readonly connections?: number;
  readonly connections_min?: number;
  /** What each sender may take of the host's processors; 100: one core. Nothing: 100. */
  readonly cpu_percent?: number;
}

/** The source's side of all migrations that leave this host. */
export function createSenderSupervisor(options: SenderSupervisorOptions): SenderSupervisor {
  return new HostSenders(options);
}

class HostSenders implements SenderSupervisor {
  readonly #roster: SenderRoster;
  readonly #connections: Pick<Transfer, 'connections' | 'connections_min'>;

  constructor(options: SenderSupervisorOptions) {
    const { state_path, idle_workers, onStartFailed, onStuck, kill_seconds_max } = options;
    const { connections = 1, connections_min = 1 } = options;
    this.#connections = { connections, connections_min };
    const workers = {
      state_path,
      idle_max: idle_workers ?? 3,
      cpu_percent: options.cpu_percent ?? 100,
      ...(onStartFailed === undefined ? {} : { onStartFailed }),
      ...(onStuck === undefined ? {} : { onStuck }),
      ...(kill_seconds_max === undefined ? {} : { kill_seconds_max }),
    };
    this.#roster = new SenderRoster(workers, options.host_limit ?? {});
  }

  async connect(transfer: Transfer, watch: TransferWatch): Promise<void> {
    const running = await this.#roster.senderOf(transfer.migration_id);
    await this.#ask(transfer, running, watch, (worker) =>
      worker.send({ do: 'connect', transfer: this.#configured(transfer) }),
    );
  }

  #configured(transfer: Transfer): Transfer {
    return { ...this.#connections, ...transfer };
  }

  async round(transfer: Transfer, wish: RoundWish, watch: TransferWatch): Promise<readonly RoundFigures[]> {
    const running = await this.#roster.senderOf(transfer.migration_id);
    // Between rounds what was set beside them counts, not what the order said once.
    if (!running.sending) this.#roster.begin(running, transfer);
    const before = this.#roster.before(transfer.migration_id);
    const now = { limit_bytes_per_second: this.#roster.shareOf(running), paused: running.paused };
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
    const running = await this.#roster.senderOf(transfer.migration_id);
    if (!running.busy) this.#roster.begin(running, transfer);
    const limit_bytes_per_second = this.#roster.shareOf(running);
    const report = await this.#ask(transfer, running, watch, (worker) =>
      worker.send({
        do: 'send',
        transfer: { ...this.#configured(transfer), limit_bytes_per_second },
        changed: changed === null ? null : travellingRanges(changed),
        ...this.#roster.before(migration_id),
      }),
    );
    if (report.is !== 'sent') throw new Error(`a sender answered "${report.is}" to send`);
    this.#roster.recycle(migration_id, running);
    return report.result;
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
        this.#roster.hear(migration_id, running, report);
        const { limit_bytes_per_second: limit } = running;
        const known = limit === null ? {} : { limit_bytes_per_second: limit };
        return watch.onProgress({ ...report.progress, ...known });
      }
      running.busy = false;
      if (report.is === 'failed') reject(new DroverError(report.code, report.values));
      else resolve(report);
    });
    void worker.ended.then(() => {
      // This promise stays open then.
      if (this.#roster.is_closed) return;
      const reason = 'the sending process ended';
      if (this.#roster.isCancelled(migration_id)) onAbort();
      else reject(new DroverError('mover_connection_lost', { ...addressOf(endpoint), reason }));
    });
    ask(worker);
    try {
      return await promise;
    } catch (error) {
      // Whatever state it is in, nobody has to find out: the next transfer gets a fresh one.
      await this.#roster.discard(migration_id, running);
      throw error;
    } finally {
      watch.signal.removeEventListener('abort', onAbort);
      this.#roster.listen(migration_id, running);
    }
  }

  has(migration: MigrationId): Promise<boolean> {
    return this.#roster.has(migration);
  }

  figures(): SenderFigures {
    return this.#roster.figures();
  }

  limit(migration: MigrationId, limit_bytes_per_second: number): Promise<void> {
    return this.#roster.limit(migration, limit_bytes_per_second);
  }

  pause(migration: MigrationId, paused: boolean): Promise<void> {
    return this.#roster.pause(migration, paused);
  }

  cancel(migration: MigrationId): Promise<void> {
    return this.#roster.cancel(migration);
  }

  close(): Promise<void> {
    return this.#roster.close();
  }
}
