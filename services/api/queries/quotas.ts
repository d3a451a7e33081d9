import type { Queryable } from '../../../shared/database/connect.ts';
import type { ApiServices } from '../services.ts';
import { readQuota } from './quota-usage.ts';
import { countServerGroups } from './server-groups.ts';

/** What a project can have a limit for, by Nova's names. */
export const quotaResources = [
  'cores',
  'injected_file_content_bytes',
  'injected_file_path_bytes',
  'injected_files',
  'instances',
  'key_pairs',
  'metadata_items',
  'ram',
  'server_group_members',
  'server_groups',
] as const;
export type QuotaResource = (typeof quotaResources)[number];
export type QuotaNumbers = Readonly<Record<QuotaResource, number>>;

type Defaults = ApiServices['configuration']['quota'];

/** The limits of a project that has none of its own. -1: no limit. */
export function defaultLimits(defaults: Defaults): QuotaNumbers {
  const { injected_file_path_length, ...others } = defaults;
  return { ...others, injected_file_path_bytes: injected_file_path_length };
}

export async function readLimits(
  database: Queryable,
  project_id: string,
  defaults: Defaults,
): Promise<QuotaNumbers> {
  const { rows } = await database.query<{ resource: string; hard_limit: number }>(
    `select resource, hard_limit from quotas where project_id = $1`,
    [project_id],
  );
  const own = Object.fromEntries(rows.map((row) => [row.resource, row.hard_limit]));
  return { ...defaultLimits(defaults), ...own };
}

/**
 * What the project has. As in Nova only servers and groups of servers are counted: the other limits are per server,
 * per user or per group, so a project as a whole uses none of them.
 */
export async function readUse(
  database: Queryable,
  project_id: string,
  defaults: Defaults,
): Promise<QuotaNumbers> {
  const { used } = await readQuota(database, project_id, defaults);
  const none = Object.fromEntries(quotaResources.map((resource) => [resource, 0])) as QuotaNumbers;
  return { ...none, ...used, server_groups: await countServerGroups(database, project_id) };
}

/** Sets limits of a project's own; others stay. */
export async function setLimits(
  transaction: Queryable,
  project_id: string,
  limits: Partial<QuotaNumbers>,
): Promise<void> {
  await transaction.query(
    `insert into quotas (project_id, resource, hard_limit)
     select $1, key, value::integer from jsonb_each_text($2::jsonb)
     on conflict (project_id, resource) do update set hard_limit = excluded.hard_limit`,
    [project_id, JSON.stringify(limits)],
  );
}

/** Back to the configuration's limits. */
export async function resetLimits(database: Queryable, project_id: string): Promise<void> {
  await database.query(`delete from quotas where project_id = $1`, [project_id]);
}

export async function isProject(database: Queryable, id: string): Promise<boolean> {
  const { rowCount } = await database.query(`select from projects where id = $1`, [id]);
  return rowCount === 1;
}
