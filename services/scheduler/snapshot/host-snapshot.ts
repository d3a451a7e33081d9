import type { Pool } from '../../../shared/database/connect.ts';
import type { HostName } from '../../../shared/domain/ids.ts';
import { hostWith } from '../placement/consume.ts';
import type { ClaimDetails, HostState, PlacementRequest, Snapshot } from '../placement/model.ts';
import { advance, createSnapshot } from '../placement/snapshot.ts';
import { Liveness } from './liveness.ts';
import { readAllMarks, readChangedMarks, readGlances, type HostMark } from './host-marks.ts';
import { Reservations, type Reservation } from './reservations.ts';
import { SweepPace } from './sweep-pace.ts';
import { loadHosts } from './load-hosts.ts';

export interface HostSnapshotOptions {
  readonly pool: Pool;
  readonly service_down_seconds: number;
  readonly default_availability_zone: string;
  /** A clock that never jumps, in seconds. */
  readonly now_seconds: () => number;
}

/** How often every host is looked at within the time after which a silent one is down. */
const SWEEPS_PER_DOWN_TIME = 10;
/** Hosts that are down are looked at each time, so that one that is back counts at once, unless they are many. */
const DOWN_HOSTS_MAX = 100;

/**
 * The cluster in memory, for decisions. `refresh` asks which hosts have changed and reads those in full; what it costs
 * depends on how much happens and not on how many hosts there are. It is called before each decision, so a host that
 * was enabled a moment ago is seen; decisions made at the same time share one refresh. A claim re-checks all of it, so
 * being a little late costs a try and no more. Whether hosts still report takes a look at every one of them: each
 * refresh looks at as many as the time since the last one has made due, so that no decision waits for all.
 */
export class HostSnapshot {
  readonly #options: HostSnapshotOptions;
  readonly #liveness: Liveness;
  readonly #pace: SweepPace;
  #snapshot: Snapshot = createSnapshot([], 0);
  #marks = new Map<HostName, HostMark>();
  #name_by_id = new Map<number, HostName>();
  #horizon: string | null = null;
  #removed_generations = 0;
  readonly #down = new Set<HostName>();
  readonly #reservations = new Reservations();
  /** Hosts to read again though their generation has not risen. */
  #unread = new Set<HostName>();
  #running: Promise<void> | null = null;
  #next: Promise<void> | null = null;

  constructor(options: HostSnapshotOptions) {
    this.#options = options;
    this.#liveness = new Liveness(options.now_seconds);
    this.#pace = new SweepPace(options.service_down_seconds / SWEEPS_PER_DOWN_TIME);
  }

  current(): Snapshot {
    return this.#snapshot;
  }

  /** Brings the snapshot to a state no older than this call. Calls that come while one runs share the next one. */
  async refresh(): Promise<void> {
    if (this.#running === null) {
      this.#running = this.#refresh().finally(() => {
        this.#running = null;
      });
      await this.#running;
      return;
    }
    const running = this.#running;
    this.#next ??= running
      .catch(() => undefined)
      .then(async () => {
        this.#next = null;
        await this.refresh();
      });
    await this.#next;
  }

  /** Whether the host reports and nobody forced it down, as of the last refresh and the clock now. */
  isUp(host: HostName): boolean {
    const mark = this.#marks.get(host);
    if (mark === undefined || mark.forced_down) return false;
    return this.#liveness.ageSeconds(host) <= this.#options.service_down_seconds;
  }

  /** A report of this host came just now: it is up, whatever the clocks say. */
  heard(host: HostName): void {
    this.#liveness.heard(host);
    if (this.#down.has(host)) this.#unread.add(host);
  }

  /**
   * Counts a choice until its claim is committed or given up: decisions made at the same time must not all take the
   * host that is best before the first of them has claimed it. To be ended by `release` or `settle`.
   */
  reserve(host: HostName, request: PlacementRequest, details: ClaimDetails | null): Reservation {
    const state = this.#snapshot.host_by_name.get(host);
    const reservation = this.#reservations.add(host, request, details);
    if (state !== undefined) {
      this.#snapshot = advance(this.#snapshot, { changed: [hostWith(state, request, details)] });
    }
    return reservation;
  }

  /** The request with the members of its group that choices under way have placed. */
  withReservedMembers(request: PlacementRequest): PlacementRequest {
    return this.#reservations.withMembers(request);
  }

  /** The choice came to nothing, or nobody knows what came of it: the host is read again at the next refresh. */
  release(reservation: Reservation): void {
    if (this.#reservations.remove(reservation)) this.#unread.add(reservation.host);
  }

  /**
   * Choices that one transaction has committed as claims. Where nobody else changed the host since this process read
   * it, what was reserved is what is there now, and the host need not be read again.
   * @param committed each with the generation at which the transaction found its host; it has raised it by one
   */
  settle(committed: ReadonlyArray<{ readonly reservation: Reservation; readonly generation: number }>): void {
    const changed = new Map<HostName, HostState>();
    for (const { reservation, generation } of committed) {
      if (!this.#reservations.remove(reservation)) continue;
      const { host } = reservation;
      const state = this.#snapshot.host_by_name.get(host);
      const mark = this.#marks.get(host);
      if (state === undefined || mark === undefined || state.generation !== generation) {
        this.#unread.add(host);
        continue;
      }
      changed.set(host, { ...state, generation: generation + 1 });
      this.#marks.set(host, { ...mark, generation: generation + 1 });
    }
    if (changed.size > 0) this.#snapshot = advance(this.#snapshot, { changed: [...changed.values()] });
  }

  async #refresh(): Promise<void> {
    const { pool, default_availability_zone, now_seconds } = this.#options;
    const started_at_seconds = now_seconds();
    const { marks, isAll } = await this.#readMarks(started_at_seconds);
    for (const mark of marks) this.#liveness.noticed(mark.name, mark.last_seen, mark.age_seconds);
    const before = this.#marks;
    const stale = new Set<number>();
    for (const { id, name, generation } of marks) {
      const known = before.get(name);
      if (known?.id !== id || known.generation !== generation) stale.add(id);
    }
    if (isAll) {
      this.#marks = new Map();
      this.#name_by_id = new Map();
    }
    for (const mark of marks) {
      this.#marks.set(mark.name, mark);
      this.#name_by_id.set(mark.id, mark.name);
    }
    const unread = this.#unread;
    this.#unread = new Set();
    for (const name of unread) {
      const id = this.#marks.get(name)?.id;
      if (id !== undefined) stale.add(id);
    }
    const loaded = await loadHosts(pool, [...stale], default_availability_zone).catch((error: unknown) => {
      for (const { id, name } of this.#marks.values()) if (stale.has(id)) this.#unread.add(name);
      throw error;
    });
    const changed = loaded.map((host) => this.#reservations.countedIn({ ...host, up: this.isUp(host.name) }));
    const isLoaded = new Set(loaded.map((host) => host.name));
    for (const { name } of isAll ? this.#snapshot.hosts : marks) {
      const state = this.#snapshot.host_by_name.get(name);
      if (state === undefined || isLoaded.has(name) || !this.#marks.has(name)) continue;
      const up = this.isUp(name);
      if (up !== state.up) changed.push({ ...state, up });
    }
    const removed = isAll
      ? this.#snapshot.hosts.map((host) => host.name).filter((name) => !this.#marks.has(name))
      : [];
    for (const name of removed) this.#down.delete(name);
    for (const { name, up } of changed) {
      if (up) this.#down.delete(name);
      else this.#down.add(name);
    }
    if (changed.length > 0 || removed.length > 0)
      this.#snapshot = advance(this.#snapshot, { changed, removed });
  }

  /** What has changed, and the hosts whose look is due; all of them at first, and when a host was removed. */
  async #readMarks(
    now_seconds: number,
  ): Promise<{ readonly marks: readonly HostMark[]; readonly isAll: boolean }> {
    const { pool } = this.#options;
    if (this.#horizon !== null) {
      const due = this.#pace.due(now_seconds, this.#marks.size);
      const [found, glances] = await Promise.all([
        readChangedMarks(pool, this.#horizon, this.#idsOfDown()),
        due.count === 0 ? [] : readGlances(pool, due.after, due.count),
      ]);
      if (found.removed_generations === this.#removed_generations) {
        this.#horizon = found.horizon;
        this.#pace.looked(glances, due);
        const glanced = glances.flatMap((glance): HostMark[] => {
          const name = this.#name_by_id.get(glance.id);
          return name === undefined ? [] : [{ ...glance, name }];
        });
        return { marks: [...glanced, ...found.marks], isAll: false };
      }
    }
    const found = await readAllMarks(pool);
    this.#horizon = found.horizon;
    this.#removed_generations = found.removed_generations;
    this.#pace.lookedAtAll(now_seconds);
    return { marks: found.marks, isAll: true };
  }

  #idsOfDown(): readonly number[] {
    if (this.#down.size > DOWN_HOSTS_MAX) return [];
    return [...this.#down].flatMap((name) => this.#marks.get(name)?.id ?? []);
  }
}
