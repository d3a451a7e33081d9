import { hash } from 'node:crypto';
import type { Queryable } from '../../../shared/database/connect.ts';
import type { TaskState, VmState } from '../../../shared/domain/states.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import {
  afterMarker,
  conditionList,
  isInvalidPattern,
  orderBy,
  type ConditionList,
  type SortColumn,
} from './search-conditions.ts';
import { serverColumns, serverJoins, type ServerRow } from './server-row.ts';

/** What to list. Absent means: no condition. */
export interface ServerSearch {
  /** Null: servers of every project. */
  readonly project_id: string | null;
  /** null: both the living and the deleted. */
  readonly deleted: boolean | null;
  readonly vm_states?: readonly VmState[];
  readonly task_states?: readonly TaskState[];
  readonly changes_since?: string;
  readonly changes_before?: string;
  readonly locked?: boolean;
  readonly ip?: string;
  readonly tags?: readonly string[];
  readonly tags_any?: readonly string[];
  readonly not_tags?: readonly string[];
  readonly not_tags_any?: readonly string[];
  /** Filters on single columns: name of the filter (a key of `serverFilters`) → wanted value. */
  readonly columns: ReadonlyMap<string, string>;
}

export interface ServerPage {
  readonly sort: readonly { readonly key: string; readonly direction: 'asc' | 'desc' }[];
  readonly limit: number;
  readonly marker: string | null;
}

type FilterKind = 'exact' | 'pattern' | 'whole-number' | 'time';
interface ServerFilter {
  readonly kind: FilterKind;
  readonly column: string;
}

const exact = (column: string): ServerFilter => ({ kind: 'exact', column });
const pattern = (column: string): ServerFilter => ({ kind: 'pattern', column });
const wholeNumber = (column: string): ServerFilter => ({ kind: 'whole-number', column });
const time = (column: string): ServerFilter => ({ kind: 'time', column });

/** Nova's filters on one column each. Texts other than ids and states are regular expressions, as in Nova. */
export const serverFilters: Readonly<Record<string, ServerFilter>> = {
  user_id: exact('i.user_id'),
  project_id: exact('i.project_id'),
  tenant_id: exact('i.project_id'),
  launch_index: wholeNumber('i.launch_index'),
  image_ref: exact('i.image_id::text'),
  image: exact('i.image_id::text'),
  kernel_id: exact("''"),
  ramdisk_id: exact("''"),
  hostname: pattern('i.hostname'),
  key_name: pattern('i.key_name'),
  power_state: wholeNumber('i.power_state'),
  vm_state: exact('i.vm_state'),
  task_state: exact('i.task_state'),
  host: exact('i.host'),
  node: pattern('i.node'),
  flavor: exact(`i.flavor->>'flavor_id'`),
  reservation_id: pattern('i.reservation_id'),
  launched_at: time('i.launched_at'),
  terminated_at: time('i.terminated_at'),
  created_at: time('i.created_at'),
  availability_zone: pattern('i.availability_zone'),
  name: pattern('i.name'),
  display_name: pattern('i.name'),
  description: pattern('i.description'),
  display_description: pattern('i.description'),
  locked_by: exact('i.locked_by'),
  uuid: exact('i.uuid::text'),
  root_device_name: pattern('i.root_device_name'),
  config_drive: pattern('i.config_drive'),
  access_ip_v4: pattern('i.access_ip_v4'),
  access_ip_v6: pattern('i.access_ip_v6'),
  auto_disk_config: exact('i.disk_config'),
  progress: wholeNumber('i.progress'),
};

const sortExpressions: Readonly<Record<string, string>> = {
  access_ip_v4: 'access_ip_v4',
  access_ip_v6: 'access_ip_v6',
  auto_disk_config: 'disk_config',
  availability_zone: 'availability_zone',
  config_drive: 'config_drive',
  created_at: 'created_at',
  display_description: 'description',
  display_name: 'name',
  host: 'host',
  hostname: 'hostname',
  id: 'id',
  image_ref: 'image_id',
  key_name: 'key_name',
  launch_index: 'launch_index',
  launched_at: 'launched_at',
  locked_by: 'locked_by',
  node: 'node',
  power_state: 'power_state',
  progress: 'progress',
  project_id: 'project_id',
  root_device_name: 'root_device_name',
  task_state: 'task_state',
  terminated_at: 'terminated_at',
  updated_at: 'updated_at',
  user_id: 'user_id',
  uuid: 'uuid',
  vm_state: 'vm_state',
};

/** Full rows of one page: one query whatever the number of servers. */
export async function listServers(
  database: Queryable,
  search: ServerSearch,
  page: ServerPage,
  serviceDownTimeSeconds: number,
): Promise<readonly ServerRow[]> {
  return await runSearch<ServerRow>(database, search, page, serverColumns, serverJoins, [
    serviceDownTimeSeconds,
  ]);
}

/** Ids and names of one page: what the short list shows. */
export async function listServerNames(
  database: Queryable,
  search: ServerSearch,
  page: ServerPage,
): Promise<readonly Pick<ServerRow, 'uuid' | 'name'>[]> {
  return await runSearch<Pick<ServerRow, 'uuid' | 'name'>>(database, search, page, 'i.uuid, i.name', '', []);
}

async function runSearch<Row extends object>(
  database: Queryable,
  search: ServerSearch,
  page: ServerPage,
  columns: string,
  joins: string,
  fixed: readonly unknown[],
): Promise<readonly Row[]> {
  if (page.limit === 0 || search.vm_states?.length === 0) return [];
  const list = conditionList(fixed);
  addConditions(list, search);
  const sort = sortColumns(page.sort);
  let marker = '';
  if (page.marker !== null) {
    await requireMarker(database, page.marker);
    marker = `join instances m on m.uuid = ${list.place(page.marker)}`;
    list.add(afterMarker(sort, 'i', 'm'));
  }
  const where = list.conditions.length === 0 ? '' : `where ${list.conditions.join(' and ')}`;
  const text = `select ${columns} from instances i ${marker} ${joins} ${where}
    order by ${orderBy(sort, 'i')} limit ${list.place(page.limit)}`;
  try {
    const name = isPlain(search, page) ? { name: `servers-${hash('sha1', text)}` } : {};
    return (await database.query<Row>({ text, values: list.parameters, ...name })).rows;
  } catch (error) {
    if (!isInvalidPattern(error)) throw error;
    throw new DroverError(
      'search_pattern_invalid',
      { field: 'name', value: [...search.columns.values(), search.ip ?? ''].join(' ').trim() },
      { cause: error },
    );
  }
}

/**
 * Whether this is the list that everybody asks for. It is kept prepared, which saves a third of its time; a statement per
 * combination of filters would let clients fill the database's memory.
 */
function isPlain(search: ServerSearch, page: ServerPage): boolean {
  const { columns, ip, tags, tags_any, not_tags, not_tags_any } = search;
  const others = [ip, tags, tags_any, not_tags, not_tags_any];
  return columns.size === 0 && page.sort.length === 0 && others.every((other) => other === undefined);
}

function addConditions(list: ConditionList, search: ServerSearch): void {
  if (search.deleted !== null) list.add(`i.deleted_at is ${search.deleted ? 'not null' : 'null'}`);
  if (search.project_id !== null) list.add(`i.project_id = ${list.place(search.project_id)}`);
  if (search.vm_states !== undefined) list.add(`i.vm_state = any(${list.place(search.vm_states)})`);
  if (search.task_states !== undefined) list.add(`i.task_state = any(${list.place(search.task_states)})`);
  if (search.changes_since !== undefined) list.add(`i.updated_at >= ${list.place(search.changes_since)}`);
  if (search.changes_before !== undefined) list.add(`i.updated_at <= ${list.place(search.changes_before)}`);
  if (search.locked !== undefined) list.add(`i.locked_by is ${search.locked ? 'not null' : 'null'}`);
  if (search.ip !== undefined) {
    list.add(`exists (select from jsonb_path_query(i.addresses, '$.*[*].addr') as a(addr)
      where a.addr #>> '{}' ~ ${list.place(search.ip)})`);
  }
  if (search.tags !== undefined) list.add(`i.tags @> ${list.place(search.tags)}::text[]`);
  if (search.tags_any !== undefined) list.add(`i.tags && ${list.place(search.tags_any)}::text[]`);
  if (search.not_tags !== undefined) list.add(`not i.tags @> ${list.place(search.not_tags)}::text[]`);
  if (search.not_tags_any !== undefined) list.add(`not i.tags && ${list.place(search.not_tags_any)}::text[]`);
  for (const [name, value] of search.columns) addColumnCondition(list, name, value);
}

function addColumnCondition(list: ConditionList, name: string, value: string): void {
  const filter = serverFilters[name];
  if (filter === undefined) throw new Error(`no server filter is named ${name}`);
  switch (filter.kind) {
    case 'exact':
      list.add(`${filter.column} = ${list.place(value)}`);
      return;
    case 'pattern':
      list.add(`${filter.column} ~ ${list.place(value)}`);
      return;
    case 'whole-number':
      // no number equals a word: the list is empty, as with Nova
      list.add(/^-?\d{1,9}$/.test(value) ? `${filter.column} = ${list.place(Number(value))}` : 'false');
      return;
    case 'time': {
      const at = Date.parse(value);
      list.add(
        Number.isNaN(at)
          ? 'false'
          : `${filter.column} = ${list.place(new Date(at).toISOString())}::timestamptz`,
      );
      return;
    }
  }
}

/** The wanted keys, then created_at and id in the first key's direction, so that the order is total. */
function sortColumns(sort: ServerPage['sort']): readonly SortColumn[] {
  const direction = sort[0]?.direction ?? 'desc';
  const keys = [...sort];
  for (const key of ['created_at', 'id'])
    if (!keys.some((wanted) => wanted.key === key)) keys.push({ key, direction });
  return keys.flatMap(({ key, direction: wanted }) => {
    const column = key === 'instance_type_id' ? `(flavor->>'id')::integer` : sortExpressions[key];
    if (column === undefined) return [];
    const expression = (row: string): string =>
      key === 'instance_type_id' ? `(${row}.flavor->>'id')::integer` : `${row}.${column}`;
    return [{ expression, direction: wanted }];
  });
}

async function requireMarker(database: Queryable, marker: string): Promise<void> {
  const isId = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(marker);
  if (isId) {
    const { rowCount } = await database.query('select from instances where uuid = $1', [marker]);
    if (rowCount !== 0) return;
  }
  throw new DroverError('server_marker_not_found', { marker });
}
