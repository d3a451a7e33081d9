import { createHash } from 'node:crypto';
import type { HostName, OperationId } from '../../../shared/domain/ids.ts';
import type { Queryable } from '../../../shared/database/connect.ts';
import type { TurnAnswer } from '../migration/model.ts';
import {
  obstacleOf,
  startTag,
  type Transfer,
  type TransferLimits,
  type WaitingTransfer,
} from '../migration/turn-queue.ts';
import { prepared } from './statement.ts';
import type { Transaction } from './transaction.ts';

/** Who asks for a turn. */
export interface TurnRequest {
  readonly operation_id: OperationId;
  readonly transfer: Transfer;
  readonly priority: number;
  /** It was in the queue already and was chosen from it: others that wait are no obstacle. */
  readonly is_waiting: boolean;
}

/**
 * Whether a copy may begin. Who holds a turn stands in the operations' own rows, so nothing can leak; that two
 * schedulers do not give the last one twice is seen to by locks on whatever has a limit, held until the commit. They
 * are taken last in a transaction, always in the same order, and nothing is waited for while they are held.
 */
export async function askForTurn(
  transaction: Transaction,
  request: TurnRequest,
  limits: TransferLimits,
): Promise<TurnAnswer> {
  const { operation_id, transfer, priority, is_waiting } = request;
  const locks = locksFor([transfer], limits);
  const locked = locks.length === 0 ? null : transaction.query(prepared(lockSql, [locks]));
  // Whatever fails is met by the statement behind it.
  locked?.catch(() => undefined);
  const { rows } = await transaction.query<TurnRow>(
    prepared(readSql, [
      operation_id,
      transfer.source,
      transfer.target,
      priority,
      limits.per_source > 0,
      limits.per_target > 0,
      limits.in_cluster > 0,
    ]),
  );
  const [found] = rows;
  if (found === undefined) throw new Error('the transfers could not be counted');
  const obstacle = obstacleOf(transfer, found, limits);
  const others_wait = !is_waiting && found.waiting > 0;
  return {
    obstacle: obstacle ?? (others_wait ? 'others_wait' : null),
    tag: startTag({
      granted: found.granted_tag,
      waiting: found.waiting_tag,
      project: found.project_tag,
    }),
  };
}

interface TurnRow {
  readonly leaving: number;
  readonly arriving: number;
  readonly in_cluster: number;
  readonly waiting: number;
  readonly waiting_tag: number | null;
  readonly granted_tag: number | null;
  readonly project_tag: number | null;
}

/** In PostgreSQL's order of numbers, so that two who need the same two take them one after the other. */
export function locksFor(transfers: readonly Transfer[], limits: TransferLimits): readonly string[] {
  const names = new Set([
    ...(limits.per_source > 0 ? transfers.map(({ source }) => `source ${source}`) : []),
    ...(limits.per_target > 0 ? transfers.map(({ target }) => `target ${target}`) : []),
    ...(limits.in_cluster > 0 ? ['cluster'] : []),
  ]);
  const keys = [...names].map((name) =>
    createHash('sha256').update(`transfers ${name}`).digest().readBigInt64BE(),
  );
  return keys.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0)).map(String);
}

const lockSql = `select pg_advisory_xact_lock(key) from unnest($1::bigint[]) as key`;

/** A statement of its own behind the locks: it sees what was committed until they were given. */
const readSql = `
  select (count(*) filter (where o.turn = 'held' and m.source_compute = $2))::integer as leaving,
         (count(*) filter (where o.turn = 'held' and m.dest_compute = $3))::integer as arriving,
         (count(*) filter (where o.turn = 'held'))::integer as in_cluster,
         (count(*) filter (where o.turn = 'waiting' and o.paused_at is null and o.priority >= $4
            and (($5 and m.source_compute = $2) or ($6 and m.dest_compute = $3) or $7)))::integer as waiting,
         min(o.turn_tag) filter (where o.turn = 'waiting' and o.paused_at is null and o.priority = $4
            and (($5 and m.source_compute = $2) or ($6 and m.dest_compute = $3) or $7)) as waiting_tag,
         (select max(turn_tag) from operations
           where turn_tag is not null and turn is distinct from 'waiting') as granted_tag,
         (select max(p.turn_tag) from operations p where p.turn_tag is not null and p.id <> $1
           and p.project_id = (select project_id from operations where id = $1)) as project_tag
  from operations o join migrations m on m.uuid = o.migration_uuid
  where o.turn is not null and o.state in ('running', 'unwinding') and o.id <> $1`;

export interface TransferQueue {
  readonly waiting: ReadonlyArray<WaitingTransfer & { readonly id: OperationId }>;
  readonly running: readonly Transfer[];
}

/** Those who wait, foremost first, and those who copy. Bounded: who is further behind is read when it comes nearer. */
export async function readTransferQueue(database: Queryable): Promise<TransferQueue> {
  const { rows } = await database.query<QueueRow>(prepared(queueSql, []));
  const { waiting, running } = Object.groupBy(rows, ({ turn }) => (turn === 'held' ? 'running' : 'waiting'));
  return {
    waiting: (waiting ?? []).map(({ turn: _turn, ...transfer }) => transfer),
    running: running ?? [],
  };
}

interface QueueRow {
  readonly id: OperationId;
  readonly turn: 'waiting' | 'held';
  readonly source: HostName;
  readonly target: HostName;
  readonly priority: number;
  readonly tag: number;
  readonly requested_at: number;
  readonly paused: boolean;
}

const WAITING_READ_MAX = 5000;

const queueSql = `
  select o.id, o.turn, m.source_compute as source, m.dest_compute as target, o.priority, o.turn_tag as tag,
         extract(epoch from o.created_at)::double precision as requested_at, o.paused_at is not null as paused
  from operations o join migrations m on m.uuid = o.migration_uuid
  where o.turn is not null and o.state in ('running', 'unwinding') and m.dest_compute is not null
  order by o.turn = 'held' desc, o.priority desc, o.turn_tag, o.created_at
  limit ${WAITING_READ_MAX}`;
