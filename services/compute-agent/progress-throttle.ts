import type { TransferProgress } from '../../shared/messaging/messages.ts';

/** Five a second: what people can see, and little enough for a thousand copies at once. */
const GAP_MILLISECONDS = 200;

/** Lets through at most one progress per 200 ms, and always the newest. */
export class ProgressThrottle {
  readonly #send: (progress: TransferProgress) => void;
  #last = -Infinity;
  #newest: TransferProgress | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(send: (progress: TransferProgress) => void) {
    this.#send = send;
  }

  push(progress: TransferProgress): void {
    this.#newest = progress;
    if (this.#timer !== null) return;
    const wait = this.#last + GAP_MILLISECONDS - performance.now();
    if (wait <= 0) this.#flush();
    else this.#timer = setTimeout(() => this.#flush(), wait);
  }

  /** What has not been sent yet is not worth sending any more: the answer comes next. */
  end(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#newest = null;
  }

  #flush(): void {
    this.#timer = null;
    const progress = this.#newest;
    this.#newest = null;
    if (progress === null) return;
    this.#last = performance.now();
    this.#send(progress);
  }
}

const SIGN_GAP_MILLISECONDS_MAX = 10_000;

/** Lets through a sign of work every ten seconds, or four per stall timeout; work that ends before that needs none. */
export class WorkSigns {
  readonly #send: () => void;
  readonly #gap_milliseconds: number;
  #last = performance.now();

  constructor(send: () => void, stall_timeout_seconds: number) {
    this.#send = send;
    this.#gap_milliseconds = Math.min(SIGN_GAP_MILLISECONDS_MAX, (1000 * stall_timeout_seconds) / 4);
  }

  take(): void {
    const now = performance.now();
    if (now - this.#last < this.#gap_milliseconds) return;
    this.#last = now;
    this.#send();
  }
}
