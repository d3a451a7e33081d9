/** The rate is a mean over this time. */
const RATE_SECONDS = 3;
const STALL_CHECKS = 20;

/** When a transfer last moved, how long it was paused, and how fast it goes. */
export class TransferClock {
  #active_at = performance.now();
  #paused_at: number | null = null;
  #paused_seconds = 0;
  #rate_samples: { readonly at: number; readonly processed_bytes: number }[] = [];

  /** Something has moved. */
  noteActivity(): void {
    this.#active_at = performance.now();
  }

  /** Monotonic, to compare with. */
  get active_at(): number {
    return this.#active_at;
  }

  get quiet_seconds(): number {
    return (performance.now() - this.#active_at) / 1000;
  }

  setPaused(paused: boolean): void {
    this.#paused_seconds = this.paused_seconds;
    this.#paused_at = paused ? performance.now() : null;
    this.forgetRate();
    // Silence that was asked for is none: it begins anew.
    this.noteActivity();
  }

  /** In all so far. */
  get paused_seconds(): number {
    const now = this.#paused_at === null ? 0 : (performance.now() - this.#paused_at) / 1000;
    return this.#paused_seconds + now;
  }

  forgetRate(): void {
    this.#rate_samples = [];
  }

  /** @returns bytes per second, a mean over the last calls */
  rateAt(processed_bytes: number): number {
    const now = performance.now();
    this.#rate_samples.push({ at: now, processed_bytes });
    this.#rate_samples = this.#rate_samples.filter(({ at }) => now - at <= RATE_SECONDS * 1000);
    const [oldest = { at: now, processed_bytes }] = this.#rate_samples;
    const passed_seconds = Math.max((now - oldest.at) / 1000, 0.001);
    return Math.max(processed_bytes - oldest.processed_bytes, 0) / passed_seconds;
  }

  /**
   * Calls back when nothing has moved for so long, until what is returned is called.
   * @param is_excused silence that is nobody's fault, and begins anew
   */
  watch(
    timeout_seconds: number,
    watch: { readonly is_excused: () => boolean; readonly onStall: () => void },
  ): () => void {
    this.noteActivity();
    const check = (): void => {
      if (watch.is_excused()) this.noteActivity();
      else if (this.quiet_seconds >= timeout_seconds) watch.onStall();
    };
    const timer = setInterval(check, (timeout_seconds * 1000) / STALL_CHECKS);
    return () => clearInterval(timer);
  }
}
