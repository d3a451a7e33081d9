import type { Queryable } from '../../../shared/database/connect.ts';
import type { FlavorSpec } from '../../../shared/domain/instance-spec.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import { afterMarker, conditionList, orderBy, type SortColumn } from './search-conditions.ts';
import type { Visibility } from './server-row.ts';

const columns = `id, flavor_id, name, vcpus, memory_mb, root_gb, ephemeral_gb, swap_mb, rxtx_factor, is_public,
  disabled, description, extra_specs`;

/** Nova's sort keys → our expressions; vcpu_weight is always absent. */
const sortExpressions = {
  created_at: 'created_at',
  description: 'description',
  disabled: 'disabled',
  ephemeral_gb: 'ephemeral_gb',
  flavorid: 'flavor_id collate "C"',
  id: 'id',
  is_public: 'is_public',
  memory_mb: 'memory_mb',
  name: 'name collate "C"',
  root_gb: 'root_gb',
  rxtx_factor: 'rxtx_factor',
  swap: 'swap_mb',
  updated_at: 'updated_at',
  vcpu_weight: 'id * 0',
  vcpus: 'vcpus',
} as const;
export type FlavorSortKey = keyof typeof sortExpressions;
export const flavorSortKeys = Object.keys(sortExpressions) as readonly FlavorSortKey[];

export interface FlavorSearch {
  /** Null: public and private ones (administrators). */
  readonly is_public: boolean | null;
  readonly memory_mb_min: number | null;
  readonly root_gb_min: number | null;
  readonly sort_key: FlavorSortKey;
  readonly sort_direction: 'asc' | 'desc';
  readonly marker: string | null;
  readonly limit: number;
}

/** @throws DroverError flavor_marker_not_found */
export async function listFlavors(
  database: Queryable,
  search: FlavorSearch,
  visibility: Visibility,
): Promise<FlavorSpec[]> {
  const sort: readonly SortColumn[] = [search.sort_key, 'id' as const].map((key) => ({
    expression: (row) => sortExpressions[key].replace(/^\w+/, (column) => `${row}.${column}`),
    direction: key === 'id' && search.sort_key !== 'id' ? 'asc' : search.sort_direction,
  }));
  const conditions = conditionList([search.limit]);
  if (search.is_public !== null) {
    const isPublic = `f.is_public = ${conditions.place(search.is_public)}`;
    // Every placed parameter must stand in the statement, so the project is placed only where it is asked for.
    const granted = () =>
      `exists (select from flavor_projects a where a.flavor_id = f.id and a.project_id = ${conditions.place(visibility.project_id)})`;
    conditions.add(visibility.is_admin ? isPublic : `(${isPublic} or ${granted()})`);
  }
  if (search.memory_mb_min !== null)
    conditions.add(`f.memory_mb >= ${conditions.place(search.memory_mb_min)}`);
  if (search.root_gb_min !== null) conditions.add(`f.root_gb >= ${conditions.place(search.root_gb_min)}`);
  if (search.marker !== null) {
    const found = await database.query(`select from flavors where flavor_id = $1`, [search.marker]);
    if (found.rowCount === 0) throw new DroverError('flavor_marker_not_found', { marker: search.marker });
    conditions.add(afterMarker(sort, 'f', 'm'));
    const marker = conditions.place(search.marker);
    const where = conditions.conditions.join(' and ');
    const { rows } = await database.query<FlavorSpec>(
      `select f.* from flavors f, (select * from flavors where flavor_id = ${marker}) m
       where ${where} order by ${orderBy(sort, 'f')} limit $1`,
      conditions.parameters,
    );
    return rows;
  }
  const where = conditions.conditions.length > 0 ? `where ${conditions.conditions.join(' and ')}` : '';
  const { rows } = await database.query<FlavorSpec>(
    `select f.* from flavors f ${where} order by ${orderBy(sort, 'f')} limit $1`,
    conditions.parameters,
  );
  return rows;
}

export type NewFlavor = Omit<FlavorSpec, 'id' | 'disabled' | 'extra_specs'>;

/** A private flavor is at once usable by nobody but administrators. @throws DroverError flavor_id_taken, flavor_name_taken */
export async function insertFlavor(database: Queryable, flavor: NewFlavor): Promise<FlavorSpec> {
  const { rows } = await database.query<FlavorSpec>(
    `insert into flavors (flavor_id, name, vcpus, memory_mb, root_gb, ephemeral_gb, swap_mb, rxtx_factor, is_public,
                          description)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
     on conflict do nothing returning ${columns}`,
    [
      flavor.flavor_id,
      flavor.name,
      flavor.vcpus,
      flavor.memory_mb,
      flavor.root_gb,
      flavor.ephemeral_gb,
      flavor.swap_mb,
      flavor.rxtx_factor,
      flavor.is_public,
      flavor.description,
    ],
  );
  const [made] = rows;
  if (made !== undefined) return made;
  // Nova names the id first when both are taken.
  const same = await database.query(`select from flavors where flavor_id = $1`, [flavor.flavor_id]);
  throw same.rowCount === 0
    ? new DroverError('flavor_name_taken', { name: flavor.name })
    : new DroverError('flavor_id_taken', { flavor: flavor.flavor_id });
}

/** Servers keep the flavor they were made with. @throws DroverError flavor_not_found */
export async function deleteFlavor(database: Queryable, flavor_id: string): Promise<void> {
  const { rowCount } = await database.query(`delete from flavors where flavor_id = $1`, [flavor_id]);
  if (rowCount === 0) throw new DroverError('flavor_not_found', { flavor: flavor_id });
}

/** @throws DroverError flavor_not_found */
export async function describeFlavor(
  database: Queryable,
  flavor_id: string,
  description: string | null,
): Promise<FlavorSpec> {
  const { rows } = await database.query<FlavorSpec>(
    `update flavors set description = $2, updated_at = now() where flavor_id = $1 returning ${columns}`,
    [flavor_id, description],
  );
  const [changed] = rows;
  if (changed === undefined) throw new DroverError('flavor_not_found', { flavor: flavor_id });
  return changed;
}

/** Adds and replaces keys. */
export async function setExtraSpecs(
  database: Queryable,
  id: number,
  specs: Readonly<Record<string, string>>,
): Promise<void> {
  await database.query(
    `update flavors set extra_specs = extra_specs || $2::jsonb, updated_at = now() where id = $1`,
    [id, JSON.stringify(specs)],
  );
}

/** @returns false if there was no such key. */
export async function deleteExtraSpec(database: Queryable, id: number, key: string): Promise<boolean> {
  const { rowCount } = await database.query(
    `update flavors set extra_specs = extra_specs - $2, updated_at = now() where id = $1 and extra_specs ? $2`,
    [id, key],
  );
  return rowCount === 1;
}

export async function listAccess(database: Queryable, id: number): Promise<string[]> {
  const { rows } = await database.query<{ project_id: string }>(
    `select project_id from flavor_projects where flavor_id = $1 order by project_id`,
    [id],
  );
  return rows.map((row) => row.project_id);
}
