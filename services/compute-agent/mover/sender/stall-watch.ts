import { DroverError } from '../../../../shared/errors/drover-error.ts';
import type { Transfer } from '../mover.ts';
import { addressOf } from './address-of.ts';
import type { TransferClock } from './transfer-clock.ts';
import type { TransferLink } from './transfer-link.ts';
import type { WaitedFor } from './waited-for.ts';

/** A connection is made or refused within this time: a login may take 20 s, and a receiver is asked after it. */
const LINK_SECONDS_MAX = 30;

export interface WatchedParts {
  readonly link: TransferLink;
  readonly clock: TransferClock;
  readonly waited_for: WaitedFor;
  /** On the wire so far, for the error. */
  readonly sentBytes: () => number;
  /** True while silence is nobody's fault. */
  readonly isExcused: () => boolean;
}

/** Gives a transfer up when nothing moves any more. What hangs is not waited for: a mount that is lost answers nobody. */
export class StallWatch {
  readonly #transfer: Transfer;
  readonly #parts: WatchedParts;
  readonly #stall = Promise.withResolvers<never>();

  constructor(transfer: Transfer, parts: WatchedParts) {
    this.#transfer = transfer;
    this.#parts = parts;
    this.#stall.promise.catch(() => undefined);
  }

  /** Waits for `work` to end, or for silence of the transfer's stall timeout. @throws DroverError mover_stalled, for ever after */
  async during<Result>(work: () => Promise<Result>): Promise<Result> {
    const stopWatching = this.#parts.clock.watch(this.#transfer.stall_timeout_seconds, {
      is_excused: this.#parts.isExcused,
      onStall: () => this.#look(),
    });
    try {
      return await Promise.race([work(), this.#stall.promise]);
    } finally {
      stopWatching();
    }
  }

  #look(): void {
    const { link, clock, waited_for, sentBytes } = this.#parts;
    const { stall_timeout_seconds: seconds, endpoint } = this.#transfer;
    if (link.is_being_made && clock.quiet_seconds < seconds + LINK_SECONDS_MAX) return;
    const { address, port } = addressOf(endpoint);
    const what = waited_for.longest ?? `the receiver at ${address}:${port} to take or confirm anything`;
    const error = new DroverError('mover_stalled', { seconds, sent_bytes: sentBytes(), what });
    // Everything ends at once; what runs fails with this error.
    link.abort(error);
    this.#stall.reject(error);
  }
}
