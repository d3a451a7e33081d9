/** Time as the limiter sees it; tests bring their own. */
export interface LimiterClock {
  now_milliseconds(): number;
  /** Calls back once, not before the time has passed. @returns a function that forgets it */
  after(milliseconds: number, callback: () => void): () => void;
}

export const systemClock: LimiterClock = {
  now_milliseconds: () => performance.now(),
  after: (milliseconds, callback) => {
    const timer = setTimeout(callback, milliseconds);
    return () => clearTimeout(timer);
  },
};

/** What may be sent at once after a pause: more would be a burst that the limit promised not to make. */
const BURST_SECONDS = 0.1;
const SLICE_BYTES_MAX = 256 * 1024;
const SLICE_BYTES_MIN = 4 * 1024;

/**
 * Lets bytes through at a rate that can change at any moment: who waits is reckoned anew. Waiters are served in
 * the order in which they came. A rate of 0 does not limit.
 */
export class RateLimiter {
  readonly #clock: LimiterClock;
  #rate_bytes_per_second: number;
  /** Below zero: what was let through before its time. */
  #credit_bytes = 0;
  #reckoned_at: number;
  readonly #waiting: (() => void)[] = [];
  #forget: (() => void) | null = null;
  #paused = false;

  constructor(rate_bytes_per_second: number, clock: LimiterClock = systemClock) {
    this.#clock = clock;
    this.#rate_bytes_per_second = rate_bytes_per_second;
    this.#reckoned_at = clock.now_milliseconds();
  }

  get rate_bytes_per_second(): number {
    return this.#rate_bytes_per_second;
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** Lets nothing through, or goes on as if no time had passed. */
  setPaused(paused: boolean): void {
    this.#reckon();
    this.#paused = paused;
    this.#serve();
  }

  /** How much to take at once, so that a change of the rate is felt within a tenth of a second. */
  get slice_bytes(): number {
    if (this.#rate_bytes_per_second === 0) return Number.MAX_SAFE_INTEGER;
    const tenth_bytes = Math.floor(this.#rate_bytes_per_second / 10);
    return Math.min(Math.max(tenth_bytes, SLICE_BYTES_MIN), SLICE_BYTES_MAX);
  }

  setRate(rate_bytes_per_second: number): void {
    this.#reckon();
    this.#rate_bytes_per_second = rate_bytes_per_second;
    // A debt at the old rate is not to be waited for at a slower one.
    this.#credit_bytes = Math.max(this.#credit_bytes, -this.slice_bytes);
    this.#serve();
  }

  /** Resolves when these bytes may be sent. */
  take(bytes: number): Promise<void> {
    if (this.#rate_bytes_per_second === 0 && !this.#paused && this.#waiting.length === 0)
      return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push(() => {
        this.#credit_bytes -= bytes;
        resolve();
      });
      this.#serve();
    });
  }

  #reckon(): void {
    const now = this.#clock.now_milliseconds();
    const rate = this.#rate_bytes_per_second;
    const earned = ((now - this.#reckoned_at) / 1000) * rate;
    this.#credit_bytes = Math.min(this.#credit_bytes + earned, rate * BURST_SECONDS);
    this.#reckoned_at = now;
  }

  #serve(): void {
    this.#forget?.();
    this.#forget = null;
    this.#reckon();
    if (this.#paused) return;
    if (this.#rate_bytes_per_second === 0) {
      for (const go of this.#waiting.splice(0)) go();
      this.#credit_bytes = 0;
      return;
    }
    while (this.#waiting.length > 0 && this.#credit_bytes >= 0) this.#waiting.shift()?.();
    if (this.#waiting.length === 0) return;
    const milliseconds = Math.ceil((-this.#credit_bytes / this.#rate_bytes_per_second) * 1000);
    this.#forget = this.#clock.after(Math.max(milliseconds, 1), () => this.#serve());
  }
}
