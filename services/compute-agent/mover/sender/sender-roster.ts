import type { MigrationId } from '../../../../shared/domain/ids.ts';
import { DroverError } from '../../../../shared/errors/drover-error.ts';
import type { HostLimitOptions } from '../host-limit.ts';
import type { SenderFigures, Transfer } from '../mover.ts';
import { RunningSenders, type RunningSender } from './running-senders.ts';
import type { SenderProcess } from './sender-process.ts';
import { SenderWorkers, type SenderWorkersOptions } from './sender-workers.ts';
import { SentExtents } from './sent-extents.ts';
import type { SenderReport } from './worker-messages.ts';

/** Which sender has which migration, those of agents before this one too, and what each has told of itself. */
export class SenderRoster {
  readonly #workers: SenderWorkers;
  readonly #running: RunningSenders;
  /** Migrations that wait for a worker, and those that were cancelled meanwhile. */
  readonly #arriving = new Map<MigrationId, Promise<RunningSender>>();
  /** Those of an agent before us that are being taken over. */
  readonly #adopting = new Map<MigrationId, Promise<RunningSender | null>>();
  readonly #cancelled = new Set<MigrationId>();
  readonly #sent = new SentExtents();
  readonly #onStuck: (error: unknown) => void;
  #closed = false;

  constructor(workers: SenderWorkersOptions, host_limit: HostLimitOptions) {
    this.#running = new RunningSenders(host_limit);
    this.#workers = new SenderWorkers(workers);
    this.#onStuck = workers.onStuck ?? (() => undefined);
    // At once, and not when somebody asks for them: the host's limit is for all of its senders.
    for (const migration_id of this.#workers.noted()) void this.#adopt(migration_id);
  }

  /** We have hung up: how senders end is for the next agent to hear. */
  get is_closed(): boolean {
    return this.#closed;
  }

  isCancelled(migration: MigrationId): boolean {
    return this.#cancelled.has(migration);
  }

  /** What it may send now, in bytes per second; 0: no limit. */
  shareOf(running: RunningSender): number {
    return this.#running.shareOf(running);
  }

  /** What senders that have ended have put on the wire. */
  before(migration_id: MigrationId) {
    return { sent_before: this.#sent.of(migration_id), totals_before: this.#sent.totalsOf(migration_id) };
  }

  /** The worker that has this migration, here or from before our start; else a new one. */
  async senderOf(migration_id: MigrationId): Promise<RunningSender> {
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
    if (adopted === null) {
      // It may still send, and whoever comes next starts another one.
      if (!this.#closed) this.#workers.killUnreachable(migration_id);
      return null;
    }
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
    this.listen(migration_id, running);
    void worker.ended.then(() => {
      // One that we hang up on goes on. One that has hung up may still run.
      if (!this.#closed && this.#running.get(migration_id) === running)
        void this.discard(migration_id, running);
    });
    return running;
  }

  /** Hears what a sender tells of itself. What it answers is for who asks: it keeps its answers. */
  listen(migration_id: MigrationId, running: RunningSender): void {
    running.worker.listen((report) => {
      if (report.is === 'progress') this.hear(migration_id, running, report);
      else this.#running.rests(running);
    });
  }

  /** Takes a sender's word for how far it is, and for what it has sent. */
  hear(
    migration_id: MigrationId,
    running: RunningSender,
    { progress, sent, totals }: Extract<SenderReport, { is: 'progress' }>,
  ): void {
    this.#running.heard(running, progress);
    this.#sent.note(migration_id, progress.round, sent, totals);
  }

  /** It sends from now on, as its transfer says. */
  begin(running: RunningSender, transfer: Transfer): void {
    this.#running.begin(running, transfer);
    this.#workers.note(transfer.migration_id, running.worker, transfer.limit_bytes_per_second);
  }

  /** Its transfer has ended well: others may have it. */
  recycle(migration_id: MigrationId, running: RunningSender): void {
    this.#workers.forget(migration_id, running.worker.identity);
    this.#running.remove(migration_id, running);
    this.#workers.recycle(running.worker);
  }

  /**
   * Ends it: whatever state it is in, nobody has to find out. One that hangs in the kernel does not hide why it was to
   * end, and keeps nobody from starting another: what was killed can only read.
   */
  async discard(migration_id: MigrationId, running: RunningSender): Promise<void> {
    try {
      await this.#end(migration_id, running);
    } catch (error) {
      this.#onStuck(error);
    }
  }

  async #end(migration_id: MigrationId, running: RunningSender): Promise<void> {
    this.#running.remove(migration_id, running);
    await this.#workers.kill(migration_id, running.worker);
  }

  /** True while a sender of this migration can be reached, whoever started it. */
  async has(migration: MigrationId): Promise<boolean> {
    return (await this.#adopt(migration)) !== null;
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

  /** Returns when none of its senders runs any more. @throws DroverError mover_process_stuck */
  async cancel(migration: MigrationId): Promise<void> {
    this.#cancelled.add(migration);
    this.#sent.forget(migration);
    await this.#arriving.get(migration)?.catch(() => undefined);
    const running = await this.#adopt(migration);
    if (running !== null) await this.#end(migration, running);
    else await this.#workers.killNoted(migration);
  }

  /** Idle senders end. Those that send go on: the next agent takes them over. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#running.close();
    await this.#workers.close();
  }
}
