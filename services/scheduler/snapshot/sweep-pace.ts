/** Fewer hosts than this are not worth a question of their own. */
const HOSTS_MIN = 100;

export interface Slice {
  /** Hosts with ids above this; 0: from the beginning. */
  readonly after: number;
  readonly count: number;
}

/** Which hosts are to be looked at next, so that each one's turn comes once per round, a few at a time. */
export class SweepPace {
  readonly #round_seconds: number;
  #after = 0;
  #looked_at_seconds = Number.NEGATIVE_INFINITY;

  constructor(round_seconds: number) {
    this.#round_seconds = round_seconds;
  }

  /** @param hosts how many there are @returns count 0: none is due yet. The time that has passed is then used up. */
  due(now_seconds: number, hosts: number): Slice {
    const share = (now_seconds - this.#looked_at_seconds) / this.#round_seconds;
    if (share >= 1) {
      this.#looked_at_seconds = now_seconds;
      return { after: 0, count: hosts };
    }
    const count = Math.ceil(hosts * share);
    if (count < Math.min(HOSTS_MIN, hosts)) return { after: this.#after, count: 0 };
    this.#looked_at_seconds = now_seconds;
    return { after: this.#after, count };
  }

  /** @param found what was there of the slice, in the order of ids */
  looked(found: ReadonlyArray<{ readonly id: number }>, slice: Slice): void {
    if (slice.count === 0) return;
    this.#after = found.length < slice.count ? 0 : (found.at(-1)?.id ?? 0);
  }

  /** All were looked at by other means. */
  lookedAtAll(now_seconds: number): void {
    this.#after = 0;
    this.#looked_at_seconds = now_seconds;
  }
}
