import { randomUUID } from 'node:crypto';
import { DroverError, isDroverError } from '../../../../shared/errors/drover-error.ts';
import type { CommandResults, RoundFigures } from '../../../../shared/messaging/commands.ts';
import type { TransferProgress } from '../../../../shared/messaging/messages.ts';
import { DISK_DIGEST_ALGORITHM } from '../disks/leaf-table.ts';
import { ConnectionClosed } from '../frame-connection.ts';
import type { ByteRange, ChangedRanges, Transfer } from '../mover.ts';
import { ProtocolError } from '../protocol.ts';
import { Compressor } from './compressor.ts';
import { RateLimiter } from './rate-limiter.ts';
import { RemoteFailure, type ReceiverLink } from './receiver-link.ts';
import { SourceReadFailure } from './read-ahead.ts';
import { SendingSession, type SessionResult, type TransferCounters } from './sending-session.ts';
import type { SentRuns } from './sent-extents.ts';
import { SourceDisk } from './source-disk.ts';
import { addressOf } from './address-of.ts';
import { LinkFailure, openSshLink, type SshLinkOptions } from './ssh-link.ts';

const FIRST_PAUSE_SECONDS = 0.1;
const LONGEST_PAUSE_SECONDS = 2;
/** While the guest runs, a receiver that cannot be reached is an answer, not something to wait for. */
const CONNECT_ATTEMPTS = 3;
const STALL_CHECKS = 20;
/** The rate is a mean over this time. */
const RATE_SECONDS = 3;

export type OpenLink = (options: SshLinkOptions) => Promise<ReceiverLink>;

/** One migration's transfer, in the process that does it. */
export class TransferRun {
  readonly #transfer: Transfer;
  readonly #open: OpenLink;
  readonly #limiter: RateLimiter;
  readonly #compressor = new Compressor();
  readonly #counters: TransferCounters = {
    processed_bytes: 0,
    skipped_bytes: 0,
    read_bytes: 0,
    changed_bytes: 0,
    sent_bytes: 0,
    resent_bytes: 0,
  };
  /** Of the link there is: what is still on its way over an earlier one is not taken for part of it. */
  #session = randomUUID();
  #link: ReceiverLink | null = null;
  #disks: readonly SourceDisk[] = [];
  #active_at = performance.now();
  #paused_at: number | null = null;
  #paused_seconds = 0;
  #fatal: DroverError | null = null;
  #rate_samples: { readonly at: number; readonly processed_bytes: number }[] = [];
  #round = 1;
  readonly #rounds: RoundFigures[] = [];
  /** What may have changed since the disks were read, not taken into account yet. */
  #changes: (ChangedRanges | null)[] = [];
  /** What the receiver holds, as long as nothing broke since. */
  #held: SessionResult['held'] | null = null;
  #mismatched = false;
  #sent_before: SentRuns = {};
  /** Of disks that are closed again: their end is told after it. */
  #closed_total_bytes = 0;

  constructor(transfer: Transfer, open: OpenLink = openSshLink) {
    this.#transfer = transfer;
    this.#open = open;
    this.#limiter = new RateLimiter(transfer.limit_bytes_per_second);
  }

  setLimit(limit_bytes_per_second: number): void {
    this.#limiter.setRate(limit_bytes_per_second);
  }

  /** What has been sent stays; the connections are kept and cost nothing. */
  setPaused(paused: boolean): void {
    this.#paused_seconds = this.#pausedSeconds();
    this.#paused_at = paused ? performance.now() : null;
    this.#limiter.setPaused(paused);
    this.#rate_samples = [];
    // Silence that was asked for is none: it begins anew.
    this.#active_at = performance.now();
  }

  #pausedSeconds(): number {
    const now = this.#paused_at === null ? 0 : (performance.now() - this.#paused_at) / 1000;
    return this.#paused_seconds + now;
  }

  /** Logs in and says hello; the connection is kept for `send`. @throws DroverError */
  async connect(): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.#ensureLink();
        return;
      } catch (error) {
        const failure = this.#describe(error);
        if (failure.final || attempt >= CONNECT_ATTEMPTS) throw failure.error;
        await pause(FIRST_PAUSE_SECONDS * attempt);
      }
    }
  }

  async #ensureLink(): Promise<ReceiverLink> {
    if (this.#fatal !== null) throw this.#fatal;
    if (this.#link !== null && !this.#link.connection.closed) return this.#link;
    this.#held = null;
    this.#session = randomUUID();
    const link = await this.#openStream(0);
    if (this.#fatal !== null) {
      link.destroy();
      throw this.#fatal;
    }
    this.#link = link;
    return link;
  }

  async #openStream(stream: number): Promise<ReceiverLink> {
    const { endpoint, private_key, local_address, migration_id } = this.#transfer;
    const link = await this.#open({ endpoint, private_key, local_address });
    try {
      await link.greet({ migration_id, session: this.#session, stream });
    } catch (error) {
      link.destroy();
      throw error;
    }
    return link;
  }

  /** Brings the receiver's disks to what ours are, over as many connections as it takes. @throws DroverError */
  async send(): Promise<CommandResults['copy']> {
    try {
      const figures = await this.#oneRound({ prove: false });
      return {
        digests: this.#disks.map(({ name, leaves, layout }) => ({
          name,
          algorithm: DISK_DIGEST_ALGORITHM,
          digest: leaves.root(),
          size_bytes: layout.size_bytes,
        })),
        sent_bytes: figures.sent_bytes,
        skipped_bytes: figures.skipped_bytes,
        duration_seconds: figures.duration_seconds,
        resent_bytes: figures.resent_bytes,
        rounds: figures.round,
      };
    } finally {
      await this.close();
    }
  }

  /** Rounds that were done while the guest ran. */
  get rounds(): readonly RoundFigures[] {
    return this.#rounds;
  }

  /** What the guest may have written since it was asked for last. Kept until a round has read it again. */
  noteChanged(changed: ChangedRanges | null): void {
    this.#changes.push(changed);
  }

  /** What a sender before us had put on the wire of this round: only counted, the receiver says what it holds. */
  noteSentBefore(runs: SentRuns): void {
    this.#sent_before = runs;
  }

  /** Extents that were put on the wire since this was asked before. */
  takeSent(): SentRuns {
    return Object.fromEntries(this.#disks.map((disk) => [disk.name, disk.takeSent()]));
  }

  /** As `send`, but the guest goes on writing and another round will follow: connection and leaves are kept. @throws DroverError */
  async sendRound(): Promise<void> {
    this.#rounds.push(await this.#oneRound({ prove: true }));
  }

  async #oneRound(options: { readonly prove: boolean }): Promise<RoundFigures> {
    this.#round = this.#rounds.length + 1;
    this.#rate_samples = [];
    const before = { ...this.#counters };
    const began_at = performance.now();
    const paused_before = this.#pausedSeconds();
    const stall = this.#watchForStall();
    try {
      await this.#prepareDisks();
      const { done, overhead_seconds } = await this.#sendUntilDone(options.prove);
      const counters = this.#counters;
      return {
        round: this.#round,
        read_bytes: counters.read_bytes - before.read_bytes,
        changed_bytes: counters.changed_bytes - before.changed_bytes,
        sent_bytes: counters.sent_bytes - before.sent_bytes,
        skipped_bytes: counters.skipped_bytes,
        resent_bytes: counters.resent_bytes - before.resent_bytes,
        duration_seconds: (performance.now() - began_at) / 1000,
        paused_seconds: this.#pausedSeconds() - paused_before,
        ...done,
        overhead_seconds,
      };
    } finally {
      clearInterval(stall);
    }
  }

  async #prepareDisks(): Promise<void> {
    const changes = this.#changes;
    this.#changes = [];
    // Disks that have not been read yet: whatever has changed will be read.
    if (this.#disks.length === 0) return this.#openDisks();
    for (const disk of this.#disks) {
      for (const changed of changes) {
        try {
          await disk.beginRound(
            changed === null ? null : (changed[disk.name] ?? unnamed(changed, disk.name)),
          );
        } catch (error) {
          throw readFailed(disk.name, error);
        }
      }
    }
  }

  async #openDisks(): Promise<void> {
    const disks: SourceDisk[] = [];
    this.#disks = disks;
    for (const { name } of this.#transfer.disks) {
      try {
        const disk = await SourceDisk.open(this.#transfer.folder, name, this.#transfer.paths?.[name]);
        disks.push(disk);
        await disk.map();
        disk.noteSentBefore(this.#sent_before[name] ?? []);
      } catch (error) {
        throw readFailed(name, error);
      }
    }
  }

  async #sendUntilDone(prove: boolean): Promise<SessionResult> {
    let pause_seconds = FIRST_PAUSE_SECONDS;
    for (;;) {
      const active_before = this.#active_at;
      try {
        return await this.#sendOnce(prove);
      } catch (error) {
        this.#link?.destroy();
        this.#link = null;
        this.#held = null;
        const failure = this.#describe(error);
        if (failure.final && !this.#firstMismatch(failure.error)) throw failure.error;
        // An attempt that moved something earns a quick next one.
        pause_seconds = this.#active_at > active_before ? FIRST_PAUSE_SECONDS : pause_seconds * 2;
        if (this.#quietSeconds() + pause_seconds > this.#transfer.stall_timeout_seconds) throw failure.error;
      }
      await pause(Math.min(pause_seconds, LONGEST_PAUSE_SECONDS));
    }
  }

  /** A leaf was changed on its way. The receiver's holdings will show which: once that is worth another attempt. */
  #firstMismatch(error: DroverError): boolean {
    if (error.code !== 'mover_digest_mismatch' || this.#mismatched) return false;
    this.#mismatched = true;
    return true;
  }

  async #sendOnce(prove: boolean): Promise<SessionResult> {
    const link = await this.#ensureLink();
    const session = new SendingSession({
      link,
      disks: this.#disks,
      round: this.#round,
      limiter: this.#limiter,
      compressor: this.#compressor,
      counters: this.#counters,
      held: this.#held,
      prove,
      further: {
        count: (this.#transfer.connections ?? 1) - 1,
        open: (stream) => this.#openStream(stream),
      },
      onActivity: () => {
        this.#active_at = performance.now();
      },
    });
    const result = await session.run();
    this.#held = result.held;
    return result;
  }

  /** Ends everything at once; what runs fails with this error. */
  abort(error: DroverError): void {
    this.#fatal ??= error;
    this.#link?.destroy();
  }

  /** Lets go of the connection and the disks. */
  async close(): Promise<void> {
    this.#link?.destroy();
    this.#link = null;
    const disks = this.#disks;
    this.#disks = [];
    this.#closed_total_bytes = totalOf(disks);
    await Promise.allSettled(disks.map((disk) => disk.close()));
  }

  #quietSeconds(): number {
    return (performance.now() - this.#active_at) / 1000;
  }

  #watchForStall(): NodeJS.Timeout {
    this.#active_at = performance.now();
    const { stall_timeout_seconds } = this.#transfer;
    const check = (): void => {
      if (this.#limiter.paused) this.#active_at = performance.now();
      if (this.#link === null || this.#quietSeconds() < stall_timeout_seconds) return;
      const { sent_bytes } = this.#counters;
      this.abort(new DroverError('mover_stalled', { seconds: stall_timeout_seconds, sent_bytes }));
    };
    return setInterval(check, (stall_timeout_seconds * 1000) / STALL_CHECKS);
  }

  #describe(error: unknown): { readonly error: DroverError; readonly final: boolean } {
    if (this.#fatal !== null) return { error: this.#fatal, final: true };
    if (error instanceof LinkFailure) return error;
    if (isDroverError(error)) return { error, final: true };
    if (error instanceof SourceReadFailure)
      return { error: readFailed(error.disk, error.cause), final: true };
    const where = addressOf(this.#transfer.endpoint);
    if (error instanceof RemoteFailure) return { error: remoteError(error, where), final: true };
    const reason = error instanceof Error ? error.message : String(error);
    if (error instanceof ProtocolError) {
      return { error: new DroverError('mover_refused', { ...where, reason }, { cause: error }), final: true };
    }
    // Whatever else it is, the connection is gone: sockets fail in more ways than ConnectionClosed.
    const cause = error instanceof ConnectionClosed ? error.cause : error;
    return { error: new DroverError('mover_connection_lost', { ...where, reason }, { cause }), final: false };
  }

  progress(): TransferProgress {
    const now = performance.now();
    const { processed_bytes, sent_bytes, skipped_bytes } = this.#counters;
    this.#rate_samples.push({ at: now, processed_bytes });
    this.#rate_samples = this.#rate_samples.filter(({ at }) => now - at <= RATE_SECONDS * 1000);
    const [oldest = { at: now, processed_bytes }] = this.#rate_samples;
    const rate =
      Math.max(processed_bytes - oldest.processed_bytes, 0) / Math.max((now - oldest.at) / 1000, 0.001);
    const total_bytes = this.#disks.length > 0 ? totalOf(this.#disks) : this.#closed_total_bytes;
    const remaining_bytes = total_bytes - processed_bytes;
    return {
      round: this.#round,
      disk_total_bytes: total_bytes,
      disk_processed_bytes: processed_bytes,
      disk_remaining_bytes: remaining_bytes,
      sent_bytes,
      skipped_bytes,
      rate_bytes_per_second: Math.round(rate),
      eta_seconds: rate > 0 ? Math.ceil(remaining_bytes / rate) : null,
      paused: this.#limiter.paused,
    };
  }
}

const totalOf = (disks: readonly SourceDisk[]): number =>
  disks.reduce((sum, { layout }) => sum + layout.size_bytes, 0);

/** A disk that is not named has not changed; one that is named null has changed nobody knows where. */
const unnamed = (changed: ChangedRanges, name: string): readonly ByteRange[] | null =>
  changed[name] === null ? null : [];

function readFailed(disk: string, error: unknown): DroverError {
  const reason = error instanceof Error ? error.message : String(error);
  return new DroverError('mover_read_failed', { disk, reason }, { cause: error });
}

function remoteError(
  error: RemoteFailure,
  where: { readonly address: string; readonly port: number },
): DroverError {
  const { code, disk, reason } = error.failed;
  switch (code) {
    case 'mover_target_full':
    case 'mover_write_failed':
    case 'mover_digest_mismatch':
      return new DroverError(code, { disk, reason }, { cause: error });
    default:
      return new DroverError('mover_refused', { ...where, reason }, { cause: error });
  }
}

function pause(seconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, seconds * 1000);
  });
}
