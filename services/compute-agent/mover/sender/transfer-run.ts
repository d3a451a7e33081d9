import { setTimeout as pause } from 'node:timers/promises';
import type { DroverError } from '../../../../shared/errors/drover-error.ts';
import type { CommandResults, RoundFigures, TransferTotals } from '../../../../shared/messaging/commands.ts';
import type { TransferProgress } from '../../../../shared/messaging/messages.ts';
import { unlimitedCpu, type CpuShare } from '../cpu-share.ts';
import type { ChangedRanges, Transfer } from '../mover.ts';
import { addressOf } from './address-of.ts';
import { Compressor } from './compressor.ts';
import { ConnectionsInUse, type ConnectionCount } from './connections-in-use.ts';
import { nameDamage } from './holdings.ts';
import { RateLimiter } from './rate-limiter.ts';
import { SendingSession } from './sending-session.ts';
import type { SentRuns } from './sent-extents.ts';
import { countedSince, newCounters, type SessionResult, type TransferOptions } from './session-terms.ts';
import { StallWatch } from './stall-watch.ts';
import { TransferClock } from './transfer-clock.ts';
import { TransferDisks } from './transfer-disks.ts';
import { describeFailure, type TransferFailure } from './transfer-failures.ts';
import { TransferLink } from './transfer-link.ts';
import { transferProgress } from './transfer-progress.ts';
import { WaitedFor } from './waited-for.ts';

const FIRST_PAUSE_SECONDS = 0.1;
const LONGEST_PAUSE_SECONDS = 2;
/** While the guest runs, a receiver that cannot be reached is an answer, not something to wait for. */
const CONNECT_ATTEMPTS = 3;
/** How long disks that were read well may take to be closed. */
const CLOSE_SECONDS_MAX = 5;

/** One migration's transfer, in the process that does it. */
export class TransferRun {
  readonly #transfer: Transfer;
  readonly #link: TransferLink;
  readonly #disks: TransferDisks;
  readonly #limiter: RateLimiter;
  readonly #cpu: CpuShare;
  readonly #compressor = new Compressor();
  readonly #connections: ConnectionCount;
  readonly #counters = newCounters();
  readonly #clock = new TransferClock();
  readonly #waited_for = new WaitedFor();
  readonly #stall_watch: StallWatch;
  #round = 1;
  readonly #rounds: RoundFigures[] = [];
  #mismatched = false;
  #has_begun = false;

  constructor(transfer: Transfer, options: TransferOptions = {}) {
    this.#transfer = transfer;
    this.#link = new TransferLink(transfer, options.open);
    this.#disks = new TransferDisks(transfer, this.#waited_for, () => this.#clock.noteActivity());
    this.#cpu = options.cpu ?? unlimitedCpu;
    this.#limiter = new RateLimiter(transfer.limit_bytes_per_second);
    this.#connections = options.connections ?? new ConnectionsInUse(transfer);
    this.#stall_watch = new StallWatch(transfer, {
      link: this.#link,
      clock: this.#clock,
      waited_for: this.#waited_for,
      sentBytes: () => this.#counters.sent_bytes,
      isExcused: () => this.#limiter.paused || this.#cpu.resting,
    });
  }

  setLimit(limit_bytes_per_second: number): void {
    if (limit_bytes_per_second === this.#limiter.rate_bytes_per_second) return;
    this.#limiter.setRate(limit_bytes_per_second);
    this.#compressor.forget();
    this.#connections.forget();
  }

  /** What has been sent stays; the connections are kept and cost nothing. */
  setPaused(paused: boolean): void {
    this.#limiter.setPaused(paused);
    this.#clock.setPaused(paused);
    this.#compressor.restart();
    this.#connections.restart();
  }

  /** Logs in and says hello; the connection is kept for `send`. @throws DroverError */
  async connect(): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.#link.ensure();
        return;
      } catch (error) {
        const failure = this.#describe(error);
        if (failure.final || attempt >= CONNECT_ATTEMPTS) throw failure.error;
        await pause(FIRST_PAUSE_SECONDS * attempt * 1000);
      }
    }
  }

  /** Brings the receiver's disks to what ours are, over as many connections as it takes. @throws DroverError */
  async send(): Promise<CommandResults['copy']> {
    try {
      const figures = await this.#oneRound({ prove: false });
      return {
        digests: this.#disks.digests(),
        sent_bytes: figures.sent_bytes,
        skipped_bytes: figures.skipped_bytes,
        duration_seconds: figures.duration_seconds,
        resent_bytes: figures.resent_bytes,
        rounds: figures.round,
        total: this.totals,
      };
    } finally {
      await this.close();
    }
  }

  /** As `send`, but the guest goes on writing and another round will follow: connection and leaves are kept. @throws DroverError */
  async sendRound(): Promise<void> {
    this.#rounds.push(await this.#oneRound({ prove: true }));
  }

  /** Rounds that were done while the guest ran. */
  get rounds(): readonly RoundFigures[] {
    return this.#rounds;
  }

  /** What the guest may have written since it was asked for last. Kept until a round has read it again. */
  noteChanged(changed: ChangedRanges | null): void {
    this.#disks.noteChanged(changed);
  }

  /** What a sender before us had put on the wire of this round: only counted, the receiver says what it holds. */
  noteSentBefore(runs: SentRuns): void {
    this.#disks.noteSentBefore(runs);
  }

  /** What senders before us have put on the wire in all: we count on from there. One that has begun has heard of it. */
  noteTotalsBefore({ sent_bytes, resent_bytes }: TransferTotals): void {
    if (this.#has_begun) return;
    this.#counters.sent_bytes = sent_bytes;
    this.#counters.resent_bytes = resent_bytes;
  }

  /** Over all rounds, with what senders before us have sent. */
  get totals(): TransferTotals {
    const { sent_bytes, resent_bytes } = this.#counters;
    return { sent_bytes, resent_bytes };
  }

  /** Extents that were put on the wire since this was asked before. */
  takeSent(): SentRuns {
    return this.#disks.takeSent();
  }

  async #oneRound(options: { readonly prove: boolean }): Promise<RoundFigures> {
    this.#has_begun = true;
    this.#round = this.#rounds.length + 1;
    this.#clock.forgetRate();
    const before = { ...this.#counters };
    const began_at = performance.now();
    const paused_before = this.#clock.paused_seconds;
    const { done, overhead_seconds } = await this.#stall_watch.during(async () => {
      await this.#disks.prepare();
      return await this.#sendUntilDone(options.prove);
    });
    return {
      round: this.#round,
      ...countedSince(this.#counters, before),
      skipped_bytes: this.#counters.skipped_bytes,
      duration_seconds: (performance.now() - began_at) / 1000,
      paused_seconds: this.#clock.paused_seconds - paused_before,
      ...done,
      overhead_seconds,
    };
  }

  async #sendUntilDone(prove: boolean): Promise<SessionResult> {
    let pause_seconds = FIRST_PAUSE_SECONDS;
    for (;;) {
      const active_before = this.#clock.active_at;
      try {
        return await this.#sendOnce(prove);
      } catch (error) {
        this.#link.drop();
        const failure = this.#describe(error);
        if (failure.final && !this.#isFirstMismatch(failure.error)) throw await this.#named(failure.error);
        // An attempt that moved something earns a quick next one.
        pause_seconds = this.#clock.active_at > active_before ? FIRST_PAUSE_SECONDS : pause_seconds * 2;
        if (this.#clock.quiet_seconds + pause_seconds > this.#transfer.stall_timeout_seconds)
          throw failure.error;
      }
      await pause(Math.min(pause_seconds, LONGEST_PAUSE_SECONDS) * 1000);
    }
  }

  /** A leaf was changed on its way. The receiver's holdings will show which: once that is worth another attempt. */
  #isFirstMismatch(error: DroverError): boolean {
    if (error.code !== 'mover_digest_mismatch' || this.#mismatched) return false;
    this.#mismatched = true;
    return true;
  }

  /** What was damaged twice, with its place, if the receiver can still say what it holds. */
  #named(error: DroverError): Promise<DroverError> {
    const onActivity = (): void => this.#clock.noteActivity();
    return nameDamage(error, this.#link, this.#disks.all, { round: this.#round, onActivity });
  }

  async #sendOnce(prove: boolean): Promise<SessionResult> {
    const session = new SendingSession({
      link: await this.#link.ensure(),
      disks: this.#disks.all,
      total_bytes: this.#disks.total_bytes,
      round: this.#round,
      limiter: this.#limiter,
      cpu: this.#cpu,
      compressor: this.#compressor,
      counters: this.#counters,
      held: this.#link.held,
      prove,
      connections: this.#connections,
      openStream: (place) => this.#link.openStream(place),
      waited_for: this.#waited_for,
      onActivity: () => this.#clock.noteActivity(),
    });
    const result = await session.run();
    this.#link.held = result.held;
    return result;
  }

  /** Lets go of the connection and the disks. After a stall these are not waited for. */
  async close(): Promise<void> {
    const patience_seconds = this.#link.fatal === null ? CLOSE_SECONDS_MAX : 0;
    this.#link.drop();
    this.#compressor.close();
    const patience = pause(patience_seconds * 1000, undefined, { ref: false });
    await Promise.race([this.#disks.close(), patience]);
  }

  #describe(error: unknown): TransferFailure {
    const { fatal } = this.#link;
    if (fatal !== null) return { error: fatal, final: true };
    return describeFailure(error, addressOf(this.#transfer.endpoint));
  }

  progress(): TransferProgress {
    return transferProgress({
      round: this.#round,
      total_bytes: this.#disks.total_bytes,
      counters: this.#counters,
      clock: this.#clock,
      paused: this.#limiter.paused,
      connections: this.#connections.open,
    });
  }
}
