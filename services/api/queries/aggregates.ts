import type { Queryable } from '../../../shared/database/connect.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import { isUniqueViolation } from './search-conditions.ts';

/** A named set of hosts with metadata. An availability zone is one of the keys, `availability_zone`. */
export interface AggregateRow {
  readonly id: number;
  readonly uuid: string;
  readonly name: string;
  /** In the order in which they were added. */
  readonly hosts: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
  readonly created_at: Date;
  readonly updated_at: Date | null;
}

const aggregateQuery = `select a.id, a.uuid, a.name, a.metadata, a.created_at, a.updated_at,
    coalesce((select array_agg(h.name order by m.added_at, h.id)
              from aggregate_hosts m join hosts h on h.id = m.host_id where m.aggregate_id = a.id), '{}') as hosts
  from aggregates a`;

export async function listAggregates(database: Queryable): Promise<AggregateRow[]> {
  const { rows } = await database.query<AggregateRow>(`${aggregateQuery} order by a.id`);
  return rows;
}

/** @throws DroverError aggregate_not_found */
export async function readAggregate(database: Queryable, id: number): Promise<AggregateRow> {
  const { rows } = await database.query<AggregateRow>(`${aggregateQuery} where a.id = $1`, [id]);
  const [row] = rows;
  if (row === undefined) throw new DroverError('aggregate_not_found', { aggregate: id });
  return row;
}

/** As `readAggregate`, and nobody else changes it until the transaction ends. @throws DroverError aggregate_not_found */
export async function lockAggregate(transaction: Queryable, id: number): Promise<AggregateRow> {
  await transaction.query(`select from aggregates where id = $1 for update`, [id]);
  return readAggregate(transaction, id);
}

/** @throws DroverError aggregate_name_taken */
export async function insertAggregate(
  database: Queryable,
  aggregate: { readonly name: string; readonly availability_zone: string | null },
): Promise<AggregateRow> {
  const { name, availability_zone } = aggregate;
  const { rows } = await database.query<AggregateRow>(
    `insert into aggregates (name, metadata) values ($1, $2) on conflict do nothing
     returning id, uuid, name, metadata, created_at, updated_at, '{}'::text[] as hosts`,
    [name, JSON.stringify(availability_zone === null ? {} : { availability_zone })],
  );
  const [made] = rows;
  if (made === undefined) throw new DroverError('aggregate_name_taken', { name });
  return made;
}

/** @throws DroverError aggregate_name_taken */
export async function renameAggregate(transaction: Queryable, id: number, name: string): Promise<void> {
  try {
    await transaction.query(`update aggregates set name = $2, updated_at = now() where id = $1`, [id, name]);
  } catch (error) {
    if (isUniqueViolation(error)) throw new DroverError('aggregate_name_taken', { name }, { cause: error });
    throw error;
  }
}

/** Adds and replaces keys; a null takes its key away. Schedulers learn of it by the trigger on aggregates. */
export async function changeMetadata(
  transaction: Queryable,
  id: number,
  changes: Readonly<Record<string, string | null>>,
): Promise<void> {
  const removed = Object.keys(changes).filter((key) => changes[key] === null);
  await transaction.query(
    `update aggregates set metadata = (metadata || $2::jsonb) - $3::text[], updated_at = now() where id = $1`,
    [id, JSON.stringify(changes), removed],
  );
}

/** The caller has made sure that it is empty. */
export async function deleteAggregate(transaction: Queryable, id: number): Promise<void> {
  await transaction.query(`delete from aggregates where id = $1`, [id]);
}
