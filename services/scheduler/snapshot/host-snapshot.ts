import type { Pool } from '../../../shared/database/connect.ts';
import type { HostName } from '../../../shared/domain/ids.ts';
import type { ResourceAmounts, ResourceClass } from '../../../shared/domain/resources.ts';
import type { HostState, Snapshot } from '../placement/model.ts';
import { advance, createSnapshot } from '../placement/snapshot.ts';
import { Liveness } from './liveness.ts';
import { loadHosts, readHostMarks, type HostMark } from './load-hosts.ts';

export interface HostSnapshotOptions {
  readonly pool: Pool;
  readonly service_down_seconds: number;
  readonly default_availability_zone: string;
  /** A clock that never jumps, in seconds. */
  readonly now_seconds: () => number;
}

/**
 * The cluster in memory, for decisions. `refresh` asks for every host's generation and reads in full only those that
 * have changed. It is called before each decision, so a host that was enabled a moment ago is seen; decisions made at
 * the same time share one refresh. A claim re-checks all of it, so being a little late costs a try and no more.
 */
export class HostSnapshot {
  readonly #options: HostSnapshotOptions;
  readonly #liveness: Liveness;
  #snapshot: Snapshot = createSnapshot([], 0);
  #marks = new Map<HostName, HostMark>();
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
    const marks = await readHostMarks(pool);
    for (const mark of marks) this.#liveness.noticed(mark.name, mark.last_seen, mark.age_seconds);
    const before = this.#marks;
    const unread = this.#unread;
    this.#unread = new Set();
    this.#marks = new Map(marks.map((mark) => [mark.name, mark]));
    const stale = marks.filter(
      ({ name, generation }) => unread.has(name) || before.get(name)?.generation !== generation,
    );
    const loaded = await loadHosts(
      pool,
      stale.map((mark) => mark.id),
      default_availability_zone,
    ).catch((error: unknown) => {
      for (const { name } of stale) this.#unread.add(name);
      throw error;
    });
    const changed: HostState[] = loaded.map((host) =>
      [...this.#reservations]
        .filter((reservation) => reservation.host === host.name)
        .reduce(withReservation, { ...host, up: this.isUp(host.name) }),
    );
    const isLoaded = new Set(loaded.map((host) => host.name));
    for (const state of this.#snapshot.hosts) {
      const up = this.isUp(state.name);
      if (!isLoaded.has(state.name) && this.#marks.has(state.name) && up !== state.up)
        changed.push({ ...state, up });
    }
    const removed = this.#snapshot.hosts.map((host) => host.name).filter((name) => !this.#marks.has(name));
    if (changed.length > 0 || removed.length > 0)
      this.#snapshot = advance(this.#snapshot, { changed, removed });
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
