/**
 * Whether hosts report, by this process's monotonic clock.
 *
 * The database says when a host was last heard of by wall clock; a jump of that clock would make every host look dead
 * in one moment. So this counts from when THIS process noticed that the stored time had become different. Only for
 * what it has just met it has to believe the database's age.
 */
export class Liveness {
  readonly #heard = new Map<string, { last_seen: string | null; at_seconds: number }>();
  readonly #now_seconds: () => number;

  /** @param now_seconds a clock that never jumps. */
  constructor(now_seconds: () => number) {
    this.#now_seconds = now_seconds;
  }

  /**
   * @param last_seen the stored time, as text: only whether it differs matters. Null: never heard of.
   * @param age_seconds its age by the database's clock, for the first time.
   */
  noticed(host: string, last_seen: string | null, age_seconds: number | null): void {
    const known = this.#heard.get(host);
    if (known === undefined) {
      const age = age_seconds === null ? Infinity : Math.max(age_seconds, 0);
      this.#heard.set(host, { last_seen, at_seconds: this.#now_seconds() - age });
    } else if (known.last_seen !== last_seen && last_seen !== null) {
      this.#heard.set(host, { last_seen, at_seconds: this.#now_seconds() });
    }
  }

  /** A report of the host came to this process just now. */
  heard(host: string): void {
    const known = this.#heard.get(host);
    this.#heard.set(host, { last_seen: known?.last_seen ?? null, at_seconds: this.#now_seconds() });
  }

  /** Seconds since the host was heard of; infinite for one that never was. */
  ageSeconds(host: string): number {
    const known = this.#heard.get(host);
    return known === undefined ? Infinity : this.#now_seconds() - known.at_seconds;
  }
}
