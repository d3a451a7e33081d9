/**
 * Whether hosts report, by this process's monotonic clock.
 *
 * The database says when a host was last heard of by wall clock; a jump of that clock would make every host look dead
 * in one moment. So this counts from when THIS process noticed that the stored time had become different. The database's
 * age is believed only for what this process has just met, and never for longer than it has not looked: a host that
 * went silent while nobody looked is not taken for one that has just spoken.
 */
export class Liveness {
  readonly #heard = new Map<string, Heard>();
  readonly #now_seconds: () => number;

  /** @param now_seconds a clock that never jumps. */
  constructor(now_seconds: () => number) {
    this.#now_seconds = now_seconds;
  }

  /**
   * @param last_seen the stored time: only whether it differs matters. Null: never heard of.
   * @param age_seconds its age by the database's clock, for the first time.
   */
  noticed(host: string, last_seen: number | null, age_seconds: number | null): void {
    const now = this.#now_seconds();
    const known = this.#heard.get(host);
    const age = age_seconds === null ? Infinity : Math.max(age_seconds, 0);
    if (known === undefined) {
      this.#heard.set(host, { last_seen, at_seconds: now - age, looked_at_seconds: now });
      return;
    }
    const since_look = now - known.looked_at_seconds;
    known.looked_at_seconds = now;
    if (known.last_seen === last_seen || last_seen === null) return;
    known.last_seen = last_seen;
    known.at_seconds = Math.max(known.at_seconds, now - Math.min(age, since_look));
  }

  /** A report of the host came to this process just now. */
  heard(host: string): void {
    const now = this.#now_seconds();
    const known = this.#heard.get(host);
    if (known === undefined)
      this.#heard.set(host, { last_seen: null, at_seconds: now, looked_at_seconds: now });
    else known.at_seconds = now;
  }

  /** Seconds since the host was heard of; infinite for one that never was. */
  ageSeconds(host: string): number {
    const known = this.#heard.get(host);
    return known === undefined ? Infinity : this.#now_seconds() - known.at_seconds;
  }
}

interface Heard {
  last_seen: number | null;
  /** When the host was last heard of, as well as this process knows. */
  at_seconds: number;
  /** When the stored time was last compared. */
  looked_at_seconds: number;
}
