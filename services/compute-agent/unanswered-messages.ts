/** RabbitMQ closes the channel of a consumer that holds a message for half an hour. */
const UNACKNOWLEDGED_MILLISECONDS_MAX = 5 * 60_000;

/** Messages of the queue whose work is under way: when each may be acknowledged. */
export class UnansweredMessages {
  /** Rejects what was promised to callers that still wait. */
  readonly #giveUp = new Set<(error: Error) => void>();

  /** Resolves when the work has ended, or after some minutes, for the broker does not wait for ever. */
  untilAcknowledgeable(work: Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(resolve, UNACKNOWLEDGED_MILLISECONDS_MAX);
      timer.unref();
      this.#giveUp.add(reject);
      void work.then(resolve, reject).finally(() => {
        clearTimeout(timer);
        this.#giveUp.delete(reject);
      });
    });
  }

  /** Those that are not acknowledged yet come again, to whoever comes after us. */
  giveUp(error: Error): void {
    for (const reject of this.#giveUp) reject(error);
  }
}
