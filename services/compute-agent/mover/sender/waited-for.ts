/** What a transfer waits for at this moment, so that one that stands still can say why. */
export class WaitedFor {
  /** In the order in which the waiting began. */
  readonly #waits = new Set<{ readonly what: string }>();

  /** Waits for `work` to end. @param what for people, as in "it waits for …" */
  async during<Result>(what: string, work: Promise<Result>): Promise<Result> {
    const wait = { what };
    this.#waits.add(wait);
    try {
      return await work;
    } finally {
      this.#waits.delete(wait);
    }
  }

  /** What is waited for the longest; null: nothing that is known here. */
  get longest(): string | null {
    const [oldest] = this.#waits;
    return oldest?.what ?? null;
  }
}
