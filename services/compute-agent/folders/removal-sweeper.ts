import type { Logger } from '../../../shared/logging/logger.ts';
import type { Removals } from './removal.ts';

const INTERVAL_SECONDS = 60;

/**
 * Goes on with removals that could not be finished: a volume was in use, its group was away. The command that asked for one
 * was answered with a failure and may have been given up since. One sweep at a time.
 */
export class RemovalSweeper {
  readonly #removals: Pick<Removals, 'finishAll'>;
  readonly #log: Logger;
  #timer: NodeJS.Timeout | null = null;
  #sweeping: Promise<void> | null = null;

  constructor(options: { readonly removals: Pick<Removals, 'finishAll'>; readonly log: Logger }) {
    this.#removals = options.removals;
    this.#log = options.log;
  }

  start(): void {
    this.#timer = setInterval(() => void this.sweepOnce(), INTERVAL_SECONDS * 1000);
    this.#timer.unref();
  }

  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  /** Never rejects: what goes wrong is for the log, and the next sweep tries again. */
  sweepOnce(): Promise<void> {
    this.#sweeping ??= this.#sweep()
      .catch((error: unknown) => {
        this.#log.warn({ error }, 'removals were not finished');
      })
      .finally(() => {
        this.#sweeping = null;
      });
    return this.#sweeping;
  }

  async #sweep(): Promise<void> {
    for (const { folder, reason } of await this.#removals.finishAll())
      this.#log.warn({ folder, reason }, 'a removal is not finished: it is tried again');
  }
}
