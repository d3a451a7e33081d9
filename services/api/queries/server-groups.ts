import type { Queryable } from '../../../shared/database/connect.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import type { Visibility } from './server-row.ts';

export type GroupPolicy = 'affinity' | 'anti-affinity' | 'soft-affinity' | 'soft-anti-affinity';

export interface ServerGroupRow {
  readonly uuid: string;
  readonly project_id: string;
  readonly user_id: string;
  readonly name: string;
  readonly policy: GroupPolicy;
  readonly max_server_per_host: number | null;
  /** Living servers, the newest first. */
  readonly members: readonly string[];
}

const groupQuery = `select g.uuid, g.project_id, g.user_id, g.name, g.policy, g.max_server_per_host,
    coalesce((select array_agg(i.uuid::text order by i.id desc) from instances i
              where i.server_group_uuid = g.uuid and i.deleted_at is null), '{}') as members
  from server_groups g`;

/** In the order of their creation. @param project_id null: of all projects */
export async function listServerGroups(
  database: Queryable,
  page: { readonly project_id: string | null; readonly limit: number; readonly offset: number },
): Promise<ServerGroupRow[]> {
  const { rows } = await database.query<ServerGroupRow>(
    `${groupQuery} where $1::text is null or g.project_id = $1 order by g.id limit $2 offset $3`,
    [page.project_id, page.limit, page.offset],
  );
  return rows;
}

const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/** The group, if the caller may see it. @throws DroverError server_group_not_found, with the id as it was given */
export async function requireServerGroup(
  database: Queryable,
  id: string,
  visibility: Visibility,
): Promise<ServerGroupRow> {
  const { rows } = UUID.test(id)
    ? await database.query<ServerGroupRow>(`${groupQuery} where g.uuid = $1 and ($2 or g.project_id = $3)`, [
        id,
        visibility.is_admin,
        visibility.project_id,
      ])
    : { rows: [] };
  const [row] = rows;
  if (row === undefined) throw new DroverError('server_group_not_found', { group: id });
  return row;
}

export async function countServerGroups(database: Queryable, project_id: string): Promise<number> {
  const { rows } = await database.query<{ count: number }>(
    `select count(*)::integer as count from server_groups where project_id = $1`,
    [project_id],
  );
  return rows[0]?.count ?? 0;
}

export async function insertServerGroup(
  database: Queryable,
  group: Omit<ServerGroupRow, 'members'>,
): Promise<ServerGroupRow> {
  await database.query(
    `insert into server_groups (uuid, project_id, user_id, name, policy, max_server_per_host)
     values ($1, $2, $3, $4, $5, $6)`,
    [group.uuid, group.project_id, group.user_id, group.name, group.policy, group.max_server_per_host],
  );
  return { ...group, members: [] };
}

/** Its servers live on, without a group. */
export async function deleteServerGroup(database: Queryable, uuid: string): Promise<void> {
  await database.query(`delete from server_groups where uuid = $1`, [uuid]);
}
