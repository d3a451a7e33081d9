import type { HostName } from '../../../shared/domain/ids.ts';
import { Columns } from './columns.ts';
import type { HostLookup, HostState, Snapshot } from './model.ts';

/**
 * A snapshot with its columns beside it.
 *
 * The columns belong to the newest version only: `advance` hands them on and writes the changed rows, which is why
 * it costs what changed. An older version stays readable, and may even be decided on, but then builds columns
 * of its own. The hosts themselves are never changed in place.
 */
class ColumnarSnapshot implements Snapshot {
  readonly version: number;
  readonly hosts: readonly HostState[];
  #columns: Columns | null;

  constructor(version: number, hosts: readonly HostState[], columns: Columns | null) {
    this.version = version;
    this.hosts = hosts;
    this.#columns = columns;
  }

  get host_by_name(): HostLookup {
    const columns = this.columns;
    const get = (name: HostName): HostState | undefined => this.hosts[columns.rowOf(name) ?? -1];
    return { size: this.hosts.length, get, has: (name) => columns.rowOf(name) !== undefined };
  }

  get columns(): Columns {
    this.#columns ??= new Columns(this.hosts);
    return this.#columns;
  }

  /** Gives the columns away: this version is no longer the newest. */
  release(): Columns {
    const columns = this.columns;
    this.#columns = null;
    return columns;
  }
}

/** A snapshot of these hosts, in this order: hosts with equal weights are taken in it. */
export function createSnapshot(hosts: Iterable<HostState>, version: number = 1): Snapshot {
  const columns = new Columns([]);
  const shared = Array.from(hosts, (host) => columns.classes.share(host));
  columns.append(shared);
  return new ColumnarSnapshot(version, shared, columns);
}

/** What has become different since a snapshot was made. */
export interface SnapshotChange {
  /** Hosts with new values, and hosts that are new. */
  readonly changed?: readonly HostState[];
  readonly removed?: readonly HostName[];
  /** Default: the old version plus one. */
  readonly version?: number;
}

/**
 * The next version of a snapshot. The old one stays as it was, but deciding on it again is slow: use `fork` when
 * both are wanted. Cheapest when unchanged parts of a host (aggregates, cpu_info …) are the same objects as before.
 */
export function advance(snapshot: Snapshot, change: SnapshotChange): Snapshot {
  const version = change.version ?? snapshot.version + 1;
  const changed = change.changed ?? [];
  if (!(snapshot instanceof ColumnarSnapshot))
    return advance(createSnapshot(snapshot.hosts, snapshot.version), change);
  if (change.removed !== undefined && change.removed.length > 0) {
    const removed = new Set<HostName>(change.removed);
    const kept = createSnapshot(
      snapshot.hosts.filter((host) => !removed.has(host.name)),
      version,
    );
    return changed.length === 0 ? kept : advance(kept, { changed, version });
  }
  const hosts = snapshot.hosts.slice();
  const columns = snapshot.release();
  const added: HostState[] = [];
  for (const host of changed) {
    const shared = columns.classes.share(host);
    const row = columns.rowOf(host.name);
    if (row === undefined) {
      added.push(shared);
    } else {
      hosts[row] = shared;
      columns.set(row, shared);
    }
  }
  hosts.push(...added);
  columns.append(added);
  // Each edit of an aggregate makes a class that no host may have any more, and so do reasons; start again before they pile up.
  const known = Math.max(columns.classes.all.length, columns.classes.disabled_reasons.length);
  const fresh = known > 2 * hosts.length + 256 ? null : columns;
  return new ColumnarSnapshot(version, hosts, fresh);
}

/** A copy that may be advanced on its own: dry runs work on one. */
export function fork(snapshot: Snapshot): Snapshot {
  return new ColumnarSnapshot(
    snapshot.version,
    snapshot.hosts,
    new Columns(snapshot.hosts, columnsOf(snapshot).classes),
  );
}

/** The columns of a snapshot; of a plain object they are built anew for every call. */
export function columnsOf(snapshot: Snapshot): Columns {
  return snapshot instanceof ColumnarSnapshot ? snapshot.columns : new Columns(snapshot.hosts);
}
