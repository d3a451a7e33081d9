import type { Logger } from '../../shared/logging/logger.ts';

export interface SweeperOptions {
  /** 0: never by itself. */
  readonly interval_seconds: number;
  /** What the log says when a sweep fails. */
  readonly failure: string;
  readonly log: Logger;
}

/** Clears away, every now and then, what nobody else does. One sweep at a time. */
export abstract class Sweeper {
  readonly #options: SweeperOptions;
  #timer: NodeJS.Timeout | null = null;
  #sweeping: Promise<void> | null = null;

  constructor(options: SweeperOptions) {
    this.#options = options;
  }

  protected abstract sweep(): Promise<void>;

  start(): void {
    const { interval_seconds } = this.#options;
    if (interval_seconds <= 0) return;
    this.#timer = setInterval(() => void this.sweepOnce(), interval_seconds * 1000);
    this.#timer.unref();
  }

  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  /** Never rejects: what goes wrong is for the log, and the next sweep tries again. */
  sweepOnce(): Promise<void> {
    const { log, failure } = this.#options;
    this.#sweeping ??= this.sweep()
      .catch((error: unknown) => log.warn({ error }, failure))
      .finally(() => {
        this.#sweeping = null;
      });
    return this.#sweeping;
  }
}
