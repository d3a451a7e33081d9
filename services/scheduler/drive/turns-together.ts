import type { HostName, OperationId } from '../../../shared/domain/ids.ts';
import type { TurnAnswer } from '../migration/model.ts';
import {
  obstacleOf,
  startTag,
  TransferTally,
  type Transfer,
  type TransferLimits,
} from '../migration/turn-queue.ts';
import { prepared } from './statement.ts';
import type { Transaction } from './transaction.ts';
import { locksFor } from './transfer-turns.ts';

/** Who asks for a turn for the first time, together with others. */
export interface JoiningTransfer {
  readonly operation_id: OperationId;
  readonly transfer: Transfer;
  readonly priority: number;
}

/**
 * What `askForTurn` answers, for several that ask one after the other in one transaction: each is answered as if those
 * before it had been committed. The locks are taken in one order, as there, and the question is one as well.
 *
 * @returns beside `joining`; none of them may have a turn, or wait for one, already
 */
export async function askForTurns(
  transaction: Transaction,
  joining: readonly JoiningTransfer[],
  limits: TransferLimits,
): Promise<TurnAnswer[]> {
  if (joining.length === 0) return [];
  const locks = locksFor(
    joining.map(({ transfer }) => transfer),
    limits,
  );
  const locked = locks.length === 0 ? null : transaction.query(prepared(lockSql, [locks]));
  // Whatever fails is met by the statements behind it.
  locked?.catch(() => undefined);
  const ids = joining.map(({ operation_id }) => operation_id);
  const [turns, tags] = await Promise.all([
    transaction.query<TurnRow>(prepared(turnsSql, besideValues(joining, limits))),
    transaction.query<TagRow>(prepared(tagsSql, [ids])),
  ]);
  const tally = new TransferTally([]);
  const queue = new WaitingTags();
  for (const { turn, source, target, priority, paused, tag, count } of turns.rows) {
    const transfer = { source, target };
    if (turn === 'held') for (let held = 0; held < count; held += 1) tally.add(transfer);
    else if (!paused) queue.add(transfer, priority, tag);
  }
  let granted_tag = tags.rows[0]?.granted_tag ?? null;
  const project_of = new Map(tags.rows.map(({ id, project_id }) => [id, project_id]));
  const project_tags = new Map(tags.rows.map(({ project_id, project_tag }) => [project_id, project_tag]));
  return joining.map(({ operation_id, transfer, priority }): TurnAnswer => {
    const project = project_of.get(operation_id);
    const tag = startTag({
      granted: granted_tag,
      waiting: queue.smallestFor(transfer, priority, limits),
      project: project === undefined ? null : (project_tags.get(project) ?? null),
    });
    if (project !== undefined) project_tags.set(project, Math.max(tag, project_tags.get(project) ?? tag));
    const obstacle =
      obstacleOf(transfer, tally.countsFor(transfer), limits) ??
      (queue.isBefore(transfer, priority, limits) ? 'others_wait' : null);
    if (obstacle === null) {
      tally.add(transfer);
      granted_tag = Math.max(granted_tag ?? tag, tag);
    } else queue.add(transfer, priority, tag);
    return { obstacle, tag };
  });
}

/** The smallest tag that waits, of each priority: at each host, and anywhere. */
class WaitingTags {
  readonly #of_source = new Map<HostName, Map<number, number>>();
  readonly #of_target = new Map<HostName, Map<number, number>>();
  readonly #of_all = new Map<number, number>();

  add({ source, target }: Transfer, priority: number, tag: number): void {
    for (const tags of [tagsAt(this.#of_source, source), tagsAt(this.#of_target, target), this.#of_all])
      tags.set(priority, Math.min(tag, tags.get(priority) ?? tag));
  }

  /** Whether somebody who is served no later waits for what this one needs. */
  isBefore(transfer: Transfer, priority: number, limits: TransferLimits): boolean {
    return this.#besides(transfer, limits).some((tags) =>
      [...tags.keys()].some((other) => other >= priority),
    );
  }

  /** The smallest tag that waits with this priority for what this one needs; null: none does. */
  smallestFor(transfer: Transfer, priority: number, limits: TransferLimits): number | null {
    const tags = this.#besides(transfer, limits).flatMap((tags_at) => tags_at.get(priority) ?? []);
    return tags.length === 0 ? null : Math.min(...tags);
  }

  #besides({ source, target }: Transfer, limits: TransferLimits): ReadonlyArray<ReadonlyMap<number, number>> {
    return [
      ...(limits.per_source > 0 ? [tagsAt(this.#of_source, source)] : []),
      ...(limits.per_target > 0 ? [tagsAt(this.#of_target, target)] : []),
      ...(limits.in_cluster > 0 ? [this.#of_all] : []),
    ];
  }
}

function tagsAt(tags: Map<HostName, Map<number, number>>, host: HostName): Map<number, number> {
  const found = tags.get(host) ?? new Map<number, number>();
  tags.set(host, found);
  return found;
}

interface TurnRow {
  readonly turn: 'waiting' | 'held';
  readonly source: HostName;
  readonly target: HostName;
  readonly priority: number;
  readonly paused: boolean;
  /** The smallest of them. */
  readonly tag: number;
  readonly count: number;
}

interface TagRow {
  readonly id: OperationId;
  readonly project_id: string;
  readonly project_tag: number | null;
  readonly granted_tag: number | null;
}

const lockSql = `select pg_advisory_xact_lock(key) from unnest($1::bigint[]) as key`;

/** A statement of its own behind the locks: it sees what was committed until they were given. */
const turnsSql = `
  select o.turn, m.source_compute as source, m.dest_compute as target, o.priority, o.paused_at is not null as paused,
         coalesce(min(o.turn_tag), 0) as tag, count(*)::integer as count
  from operations o join migrations m on m.uuid = o.migration_uuid
  where o.turn is not null and o.state in ('running', 'unwinding') and m.dest_compute is not null
    and ($1::boolean or m.source_compute = any($2::text[]) or m.dest_compute = any($3::text[]))
  group by 1, 2, 3, 4, 5`;

/** Only what shares a limit with one of them matters to it: a thousand other copies need not be told here. */
function besideValues(joining: readonly JoiningTransfer[], limits: TransferLimits): unknown[] {
  const sources = joining.map(({ transfer }) => transfer.source);
  const targets = joining.map(({ transfer }) => transfer.target);
  return [
    limits.in_cluster > 0,
    limits.per_source > 0 ? [...new Set(sources)] : [],
    limits.per_target > 0 ? [...new Set(targets)] : [],
  ];
}

const tagsSql = `
  select o.id, o.project_id,
         (select max(turn_tag) from operations p where p.turn_tag is not null and p.project_id = o.project_id
            and p.id <> all($1::uuid[])) as project_tag,
         (select max(turn_tag) from operations
            where turn_tag is not null and turn is distinct from 'waiting') as granted_tag
  from operations o where o.id = any($1::uuid[])`;
