import type { Queryable } from '../../../shared/database/connect.ts';
import type { InstanceId, MigrationId } from '../../../shared/domain/ids.ts';
import type { MigrationStatus } from '../../../shared/domain/states.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import { afterMarker, conditionList, orderBy, type SortColumn } from './search-conditions.ts';

/** A migration as both of Nova's resources show it. */
export interface MigrationRow {
  readonly id: number;
  readonly uuid: MigrationId;
  readonly instance_uuid: InstanceId;
  readonly migration_type: 'migration' | 'resize';
  readonly status: MigrationStatus;
  readonly source_compute: string;
  readonly source_node: string;
  readonly dest_compute: string | null;
  readonly dest_node: string | null;
  readonly dest_host: string | null;
  readonly old_flavor_id: number;
  readonly new_flavor_id: number;
  readonly user_id: string;
  readonly project_id: string;
  readonly disk_total_bytes: number | null;
  readonly disk_processed_bytes: number | null;
  readonly disk_remaining_bytes: number | null;
  readonly created_at: Date;
  readonly updated_at: Date;
}

/** A migration that still moves bytes: what `servers/{id}/migrations` lists and DELETE there may stop. */
export const movingStatuses: readonly MigrationStatus[] = ['pre-migrating', 'migrating', 'post-migrating'];

const columns = `
  m.id, m.uuid, m.instance_uuid, m.migration_type, m.status, m.source_compute, m.source_node,
  m.dest_compute, m.dest_node, m.dest_host, (m.old_flavor->>'id')::integer as old_flavor_id,
  (m.new_flavor->>'id')::integer as new_flavor_id, m.user_id, m.project_id, m.disk_total_bytes,
  m.disk_processed_bytes, m.disk_remaining_bytes, m.created_at, m.updated_at`;

export interface MigrationSearch {
  readonly host?: string;
  readonly source_compute?: string;
  readonly status?: string;
  readonly instance_uuid?: string;
  readonly migration_type?: string;
  readonly user_id?: string;
  readonly project_id?: string;
  readonly changes_since?: string;
  readonly changes_before?: string;
}

export interface MigrationPage {
  readonly limit: number;
  readonly marker: string | null;
}

const newestFirst: readonly SortColumn[] = [
  { expression: (row) => `${row}.created_at`, direction: 'desc' },
  { expression: (row) => `${row}.id`, direction: 'desc' },
];
const oldestFirst: readonly SortColumn[] = [{ expression: (row) => `${row}.id`, direction: 'asc' }];

/**
 * Migrations of all servers that still exist; those of deleted servers are not shown, as in Nova.
 * @param page null: all of them in the order of their making (microversions below 2.59).
 */
export async function listMigrations(
  database: Queryable,
  search: MigrationSearch,
  page: MigrationPage | null,
): Promise<readonly MigrationRow[]> {
  const list = conditionList([]);
  list.add('i.deleted_at is null');
  list.add('not m.hidden');
  list.add('m.deleted_at is null');
  if (search.host !== undefined) {
    const host = list.place(search.host);
    list.add(`(m.source_compute = ${host} or m.dest_compute = ${host})`);
  } else if (search.source_compute !== undefined) {
    list.add(`m.source_compute = ${list.place(search.source_compute)}`);
  }
  if (search.status !== undefined) list.add(`m.status = ${list.place(search.status)}`);
  if (search.instance_uuid !== undefined)
    list.add(`m.instance_uuid::text = ${list.place(search.instance_uuid)}`);
  if (search.migration_type !== undefined)
    list.add(`m.migration_type = ${list.place(search.migration_type)}`);
  if (search.user_id !== undefined) list.add(`m.user_id = ${list.place(search.user_id)}`);
  if (search.project_id !== undefined) list.add(`m.project_id = ${list.place(search.project_id)}`);
  if (search.changes_since !== undefined) list.add(`m.updated_at >= ${list.place(search.changes_since)}`);
  if (search.changes_before !== undefined) list.add(`m.updated_at <= ${list.place(search.changes_before)}`);
  const sort = page === null ? oldestFirst : newestFirst;
  let markerJoin = '';
  if (page !== null && page.marker !== null) {
    await requireMarker(database, page.marker);
    markerJoin = `join migrations marker on marker.uuid::text = ${list.place(page.marker)}`;
    list.add(afterMarker(sort, 'm', 'marker'));
  }
  const limit = page === null ? '' : `limit ${list.place(page.limit)}`;
  const { rows } = await database.query<MigrationRow>(
    `select ${columns} from migrations m join instances i on i.uuid = m.instance_uuid ${markerJoin}
     where ${list.conditions.join(' and ')} order by ${orderBy(sort, 'm')} ${limit}`,
    list.parameters,
  );
  return rows;
}

async function requireMarker(database: Queryable, marker: string): Promise<void> {
  const { rowCount } = await database.query('select from migrations where uuid::text = $1', [marker]);
  if (rowCount === 0) throw new DroverError('marker_not_found', { marker });
}

/** Migrations of one server that still move. */
export async function listMovingMigrations(
  database: Queryable,
  instanceId: InstanceId,
): Promise<readonly MigrationRow[]> {
  const { rows } = await database.query<MigrationRow>(
    `select ${columns} from migrations m
     where m.instance_uuid = $1 and m.status = any($2) and not m.hidden order by m.id`,
    [instanceId, movingStatuses],
  );
  return rows;
}

/** One migration of one server by its number, whatever its status; null: none. */
export async function findMigrationOfServer(
  database: Queryable,
  instanceId: InstanceId,
  id: string,
): Promise<MigrationRow | null> {
  if (!/^\d{1,9}$/.test(id)) return null;
  const { rows } = await database.query<MigrationRow>(
    `select ${columns} from migrations m where m.instance_uuid = $1 and m.id = $2`,
    [instanceId, Number(id)],
  );
  return rows[0] ?? null;
}
