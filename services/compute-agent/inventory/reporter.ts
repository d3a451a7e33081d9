import { randomUUID } from 'node:crypto';
import type { HostReport } from '../../../shared/messaging/host-report.ts';

export interface ReporterOptions {
  readonly interval_seconds: number;
  readonly build: () => Promise<Omit<HostReport, 'boot_id' | 'sequence'>>;
  /** Must not reject. */
  readonly send: (report: HostReport) => Promise<void>;
  readonly onError: (error: unknown) => void;
}

/** Changes that come in a bunch make one report; the first one goes at once. */
const GAP_MILLISECONDS_MIN = 1000;

/** Reports the host at its interval, and soon after something has changed. One report at a time. */
export class Reporter {
  readonly boot_id = randomUUID();
  readonly #options: ReporterOptions;
  #sequence = 0;
  #timer: NodeJS.Timeout | null = null;
  #due = Infinity;
  #last = -Infinity;
  #sending: Promise<void> | null = null;
  #closed = false;

  constructor(options: ReporterOptions) {
    this.#options = options;
  }

  /** Sends the first report and begins the interval. */
  async start(): Promise<void> {
    await this.#report();
  }

  /** Something about the host is not as it was reported. */
  changed(): void {
    this.#schedule(Math.max(0, this.#last + GAP_MILLISECONDS_MIN - performance.now()));
  }

  /** Does not wait for a report that is on its way: the broker may be away. */
  close(): void {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #schedule(milliseconds: number): void {
    const due = performance.now() + milliseconds;
    if (this.#closed || due >= this.#due) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#due = due;
    this.#timer = setTimeout(() => void this.#report(), milliseconds);
  }

  #report(): Promise<void> {
    this.#due = Infinity;
    this.#last = performance.now();
    // A change during a report is not in it: the next one waits for this one.
    this.#sending = (this.#sending ?? Promise.resolve())
      .then(() => this.#buildAndSend())
      .catch((error: unknown) => this.#options.onError(error))
      .then(() => this.#schedule(this.#options.interval_seconds * 1000));
    return this.#sending;
  }

  async #buildAndSend(): Promise<void> {
    if (this.#closed) return;
    const found = await this.#options.build();
    this.#sequence += 1;
    await this.#options.send({ ...found, boot_id: this.boot_id, sequence: this.#sequence });
  }
}
