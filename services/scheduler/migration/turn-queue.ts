import type { HostName } from '../../../shared/domain/ids.ts';

/**
 * Who may copy next. Each copy needs a turn, and only so many are given at once: per source, per target, and in
 * the whole cluster. Who waits is served by priority; among equals the projects take turns, so that one that empties
 * a host does not keep the others from moving a single server.
 *
 * The projects' order is start-time fair queueing: each request gets a tag when it joins,
 *
 *     tag = max(the time of the queue, this project's last tag + 1)
 *
 * and the smallest tag goes first. The time of the queue is the largest tag that was ever granted, but no later than
 * what still waits, with the same priority, for any of the same limits: a project's last request may find another host
 * free, or be urgent, and a newcomer must not stand behind all that it has waiting for that.
 * A project's second request lies behind the first one of every other; one that asks after a long time is not paid back
 * for it; and because a project's tags only rise, whoever waits is reached: nobody starves.
 */

/** How many copies may run at once. 0: any number. */
export interface TransferLimits {
  readonly per_source: number;
  readonly per_target: number;
  readonly in_cluster: number;
}

export interface Transfer {
  readonly source: HostName;
  readonly target: HostName;
}

export interface WaitingTransfer extends Transfer {
  readonly id: string;
  /** The larger goes first. */
  readonly priority: number;
  readonly tag: number;
  /** Decides between equal tags: when it was asked for, in any unit that rises. */
  readonly requested_at: number;
  readonly paused: boolean;
}

/** Why a copy may not begin now. */
export interface Obstacle {
  /** The host that is busy; null: the cluster is. */
  readonly host: HostName | null;
  readonly side: 'source' | 'target' | 'cluster';
  readonly running: number;
  readonly limit: number;
}

/** How many copies run, by what limits them. */
export interface TransferCounts {
  readonly leaving: number;
  readonly arriving: number;
  readonly in_cluster: number;
}

/** Whether there is anything to wait for at all. */
export function isLimited(limits: TransferLimits): boolean {
  return limits.per_source > 0 || limits.per_target > 0 || limits.in_cluster > 0;
}

/** The first limit that a further copy would exceed; null: it may begin. */
export function obstacleOf(
  transfer: Transfer,
  counts: TransferCounts,
  limits: TransferLimits,
): Obstacle | null {
  if (limits.per_source > 0 && counts.leaving >= limits.per_source)
    return { side: 'source', host: transfer.source, running: counts.leaving, limit: limits.per_source };
  if (limits.per_target > 0 && counts.arriving >= limits.per_target)
    return { side: 'target', host: transfer.target, running: counts.arriving, limit: limits.per_target };
  if (limits.in_cluster > 0 && counts.in_cluster >= limits.in_cluster)
    return { side: 'cluster', host: null, running: counts.in_cluster, limit: limits.in_cluster };
  return null;
}

/** As a person is told it: "waits for compute1: 3 of 3 transfers leave it". */
export function describeObstacle({ side, host, running, limit }: Obstacle): string {
  switch (side) {
    case 'source':
      return `waits for ${host}: ${running} of ${limit} transfers leave it`;
    case 'target':
      return `waits for ${host}: ${running} of ${limit} transfers arrive at it`;
    case 'cluster':
      return `waits for the cluster: ${running} of ${limit} transfers run`;
    default:
      return side satisfies never;
  }
}

/** What the tag of a request that joins is reckoned from; null: there is none. */
export interface KnownTags {
  /** The largest that was ever granted. */
  readonly granted: number | null;
  /** The smallest that waits, with its priority, for what it needs. */
  readonly waiting: number | null;
  /** Its project's last one. */
  readonly project: number | null;
}

/** The tag of a request that joins the queue. */
export function startTag({ granted, waiting, project }: KnownTags): number {
  const time = Math.min(granted ?? 0, waiting ?? Number.POSITIVE_INFINITY);
  return Math.max(time, project === null ? 0 : project + 1);
}

/** Negative: `left` goes first. */
export function compareTurns(left: WaitingTransfer, right: WaitingTransfer): number {
  return (
    right.priority - left.priority ||
    left.tag - right.tag ||
    left.requested_at - right.requested_at ||
    (left.id < right.id ? -1 : 1)
  );
}

/**
 * Who may begin now, in order. One that cannot does not keep those behind it from what it does not need: as long as
 * somebody can begin, somebody does.
 */
export function nextTurns(
  waiting: readonly WaitingTransfer[],
  running: readonly Transfer[],
  limits: TransferLimits,
): readonly WaitingTransfer[] {
  const tally = new TransferTally(running);
  const next: WaitingTransfer[] = [];
  for (const transfer of waiting.toSorted(compareTurns)) {
    if (transfer.paused || obstacleOf(transfer, tally.countsFor(transfer), limits) !== null) continue;
    tally.add(transfer);
    next.push(transfer);
  }
  return next;
}

/** Counts copies by their hosts. */
export class TransferTally {
  readonly #leaving = new Map<HostName, number>();
  readonly #arriving = new Map<HostName, number>();
  #in_cluster = 0;

  constructor(running: readonly Transfer[]) {
    for (const transfer of running) this.add(transfer);
  }

  add({ source, target }: Transfer): void {
    this.#leaving.set(source, (this.#leaving.get(source) ?? 0) + 1);
    this.#arriving.set(target, (this.#arriving.get(target) ?? 0) + 1);
    this.#in_cluster += 1;
  }

  countsFor({ source, target }: Transfer): TransferCounts {
    return {
      leaving: this.#leaving.get(source) ?? 0,
      arriving: this.#arriving.get(target) ?? 0,
      in_cluster: this.#in_cluster,
    };
  }
}
