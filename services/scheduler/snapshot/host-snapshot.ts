import type { Pool } from '../../../shared/database/connect.ts';
import type { HostName } from '../../../shared/domain/ids.ts';
import type { ResourceAmounts, ResourceClass } from '../../../shared/domain/resources.ts';
import type { HostState, Snapshot } from '../placement/model.ts';
import { advance, createSnapshot } from '../placement/snapshot.ts';
import { Liveness } from './liveness.ts';
import { readAllMarks, readChangedMarks, type HostMark, type HostMarks } from './host-marks.ts';
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
 * being a little late costs a try and no more. Whether hosts still report is looked at every few seconds: only that
 * takes a scan.
 */
export class HostSnapshot {
  readonly #options: HostSnapshotOptions;
  readonly #liveness: Liveness;
  #snapshot: Snapshot = createSnapshot([], 0);
  #marks = new Map<HostName, HostMark>();
  #horizon: string | null = null;
  #removed_generations = 0;
  #swept_at_seconds = Number.NEGATIVE_INFINITY;
  readonly #down = new Set<HostName>();
  readonly #reservations = new Set<Reservation>();
  /** Hosts to read again though their generation has not risen. */
  #unread = new Set<HostName>();
  #running: Promise<void> | null = null;
  #next: Promise<void> | null = null;

  constructor(options: HostSnapshotOptions) {
    this.#options = options;
    this.#liveness = new Liveness(options.now_seconds);
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
   * host that is best before the first of them has claimed it.
   * @returns ends it; the host is then read again at the next refresh.
   */
  reserve(host: HostName, amounts: ResourceAmounts): () => void {
    const state = this.#snapshot.host_by_name.get(host);
    const reservation: Reservation = { host, amounts };
    this.#reservations.add(reservation);
    if (state !== undefined) {
      this.#snapshot = advance(this.#snapshot, { changed: [withReservation(state, reservation)] });
    }
    return () => {
      this.#reservations.delete(reservation);
      this.#unread.add(host);
    };
  }

  async #refresh(): Promise<void> {
    const { pool, default_availability_zone } = this.#options;
    const { marks, isSweep } = await this.#readMarks();
    for (const mark of marks) this.#liveness.noticed(mark.name, mark.last_seen, mark.age_seconds);
    const before = this.#marks;
    const stale = new Set<number>();
    for (const { id, name, generation } of marks) {
      const known = before.get(name);
      if (known?.id !== id || known.generation !== generation) stale.add(id);
    }
    if (isSweep) this.#marks = new Map();
    for (const mark of marks) this.#marks.set(mark.name, mark);
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
    const changed = loaded.map((host) => this.#stateOf({ ...host, up: this.isUp(host.name) }));
    const isLoaded = new Set(loaded.map((host) => host.name));
    for (const { name } of isSweep ? this.#snapshot.hosts : marks) {
      const state = this.#snapshot.host_by_name.get(name);
      if (state === undefined || isLoaded.has(name) || !this.#marks.has(name)) continue;
      const up = this.isUp(name);
      if (up !== state.up) changed.push({ ...state, up });
    }
    const removed = isSweep
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

  /** What has changed; everything when it is time to see who still reports, or when a host was removed. */
  async #readMarks(): Promise<HostMarks & { readonly isSweep: boolean }> {
    const { pool, service_down_seconds, now_seconds } = this.#options;
    const started_at_seconds = now_seconds();
    const is_due = started_at_seconds - this.#swept_at_seconds >= service_down_seconds / SWEEPS_PER_DOWN_TIME;
    if (!is_due && this.#horizon !== null) {
      const found = await readChangedMarks(pool, this.#horizon, this.#idsOfDown());
      if (found.removed_generations === this.#removed_generations) {
        this.#horizon = found.horizon;
        return { ...found, isSweep: false };
      }
    }
    const found = await readAllMarks(pool);
    this.#horizon = found.horizon;
    this.#removed_generations = found.removed_generations;
    this.#swept_at_seconds = started_at_seconds;
    return { ...found, isSweep: true };
  }

  #idsOfDown(): readonly number[] {
    if (this.#down.size > DOWN_HOSTS_MAX) return [];
    return [...this.#down].flatMap((name) => this.#marks.get(name)?.id ?? []);
  }

  /** With the choices that are under way. */
  #stateOf(state: HostState): HostState {
    return [...this.#reservations]
      .filter((reservation) => reservation.host === state.name)
      .reduce(withReservation, state);
  }
}

interface Reservation {
  readonly host: HostName;
  readonly amounts: ResourceAmounts;
}

function withReservation(state: HostState, { amounts }: Reservation): HostState {
  const inventories = { ...state.inventories };
  for (const [name, amount] of Object.entries(amounts) as ReadonlyArray<[ResourceClass, number]>) {
    const inventory = inventories[name];
    if (inventory !== undefined) inventories[name] = { ...inventory, used: inventory.used + amount };
  }
  return { ...state, inventories, io_operations: state.io_operations + 1 };
}
