/** Runs `work` at once and then again and again, with a pause after each end; never two at the same time. */
export class Repeating {
  readonly #pause_milliseconds: number;
  readonly #work: () => Promise<void>;
  #timer: NodeJS.Timeout | null = null;
  #running: Promise<void>;
  #isClosed = false;

  /** @param work must not reject: who fails in it logs it there. */
  constructor(pause_seconds: number, work: () => Promise<void>) {
    this.#pause_milliseconds = pause_seconds * 1000;
    this.#work = work;
    this.#running = this.#run();
  }

  /** Resolves when the run under way has ended; none follows. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#running;
  }

  async #run(): Promise<void> {
    await this.#work();
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => {
      this.#running = this.#run();
    }, this.#pause_milliseconds);
  }
}
