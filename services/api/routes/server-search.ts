import type { FastifyRequest } from 'fastify';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import type { JsonSchema } from '../http/json-schema.ts';
import type { Microversion } from '../http/microversion.ts';
import { pageLimit } from '../http/pagination.ts';
import { parseTime } from '../http/times.ts';
import {
  lastValue,
  limitSchema,
  strictBoolean,
  validateQuery,
  type QuerySchema,
  type QueryValues,
} from '../http/validate.ts';
import { serverPolicies } from '../policies/server-policies.ts';
import { serverFilters, type ServerPage, type ServerSearch } from '../queries/list-servers.ts';
import type { ApiServices } from '../services.ts';
import { statesOfStatuses } from '../views/server-status.ts';
import { allow, allows } from './server-access.ts';

/** What the query of GET /servers and /servers/detail asks for. */
export interface ServerListRequest {
  readonly search: ServerSearch;
  readonly page: ServerPage;
}

const text: JsonSchema = { type: 'string' };
const time: JsonSchema = { type: 'string', format: 'date-time' };

/** Sort keys that Nova takes: those it knows, then those that it ignores. The order is that of its error text. */
const sortKeys = (
  'access_ip_v4 access_ip_v6 auto_disk_config availability_zone config_drive created_at display_description ' +
  'display_name host hostname image_ref instance_type_id kernel_id key_name launch_index launched_at locked_by node ' +
  'power_state progress project_id ramdisk_id root_device_name task_state terminated_at updated_at user_id uuid ' +
  'vm_state architecture cell_name cleaned default_ephemeral_device default_swap_device deleted deleted_at ' +
  'disable_terminate ephemeral_gb ephemeral_key_uuid id key_data launched_on locked memory_mb os_type ' +
  'reservation_id root_gb shutdown_terminate user_data vcpus vm_mode'
).split(' ');
const ignoredSortKeys = new Set(sortKeys.slice(sortKeys.indexOf('architecture')));
const adminSortKeys = new Set(['host', 'node']);

/** Filters of every user; the others are an administrator's and are dropped in silence, as Nova does. */
const userFilters = [
  'reservation_id',
  'name',
  'status',
  'image',
  'flavor',
  'ip',
  'changes-since',
  'all_tenants',
];
const userFiltersSince: readonly (readonly [number, readonly string[]])[] = [
  [5, ['ip6']],
  [26, ['tags', 'tags-any', 'not-tags', 'not-tags-any']],
  [66, ['changes-before']],
  [73, ['locked']],
  [
    83,
    (
      'availability_zone config_drive key_name created_at launched_at terminated_at power_state task_state ' +
      'vm_state progress user_id'
    ).split(' '),
  ],
];

function querySchema(version: Microversion): QuerySchema {
  const parameters: Record<string, JsonSchema> = {};
  for (const name of Object.keys(serverFilters)) parameters[name] = text;
  for (const name of ['sort_dir', 'all_tenants', 'soft_deleted', 'deleted', 'status', 'ip', 'ip6', 'marker'])
    parameters[name] = text;
  parameters['sort_key'] = { type: 'string', enum: sortKeys };
  parameters['changes-since'] = time;
  parameters['limit'] = limitSchema;
  if (version.atLeast(2, 26))
    for (const name of ['tags', 'tags-any', 'not-tags', 'not-tags-any']) parameters[name] = text;
  if (version.atLeast(2, 66)) parameters['changes-before'] = time;
  if (version.atLeast(2, 73)) parameters['locked'] = text;
  return { parameters, patterns: { '^_': text }, allows_others: !version.atLeast(2, 75) };
}

const schemas = new Map<number, QuerySchema>();

/** One schema per microversion, made when first asked for. */
function schemaAt(version: Microversion): QuerySchema {
  const known = schemas.get(version.minor);
  if (known !== undefined) return known;
  const made = querySchema(version);
  schemas.set(version.minor, made);
  return made;
}

/**
 * Reads the query in Nova's order: form, then what the caller may filter by, then values.
 * @returns null where Nova answers an empty list without looking (an unknown status below 2.38)
 * @throws DroverError validation_failed, status_invalid, changes_range_empty, sort_key_denied,
 *   deleted_listing_denied, policy errors of all_tenants
 */
export function readServerSearch(
  services: ApiServices,
  request: FastifyRequest,
  kind: 'index' | 'detail',
): ServerListRequest | null {
  const version = request.microversion;
  const all = validateQuery(schemaAt(version), request.query);
  const query = visibleFilters(services, request, all);
  const value = (name: string): string | undefined => lastValue(query, name);

  const statuses = query['status'];
  const states = statuses === undefined ? undefined : statesOfStatuses(statuses);
  if (states === null) {
    if (version.atLeast(2, 38)) throw new DroverError('status_invalid');
    return null;
  }
  const changes_since = timeOf(value('changes-since'));
  const changes_before = timeOf(value('changes-before'));
  if (changes_since !== undefined && changes_before !== undefined && changes_since > changes_before)
    throw new DroverError('changes_range_empty');
  let deleted: boolean | null = changes_since === undefined ? false : null;
  const wantsDeleted = value('deleted');
  if (wantsDeleted !== undefined) deleted = strictBoolean(wantsDeleted);
  if (states?.vm_states.includes('deleted') === true && states.vm_states.length === 1) {
    if (!request.caller.is_admin) throw new DroverError('deleted_listing_denied');
    deleted = true;
  }
  const locked = value('locked');
  const isEverywhere = readAllTenants(value('all_tenants'));
  if (isEverywhere)
    allow(services, request, kind === 'index' ? serverPolicies.index_all : serverPolicies.detail_all);

  const columns = new Map<string, string>();
  for (const name of Object.keys(serverFilters)) {
    const wanted = value(name);
    if (wanted !== undefined) columns.set(name, wanted);
  }
  const ip = value('ip') ?? value('ip6');
  const lists = {
    tags: tagsOf(value('tags')),
    tags_any: tagsOf(value('tags-any')),
    not_tags: tagsOf(value('not-tags')),
    not_tags_any: tagsOf(value('not-tags-any')),
  };
  return {
    search: {
      project_id: isEverywhere ? null : request.caller.project_id,
      deleted,
      columns,
      ...defined({ changes_since, changes_before, ip, ...lists }),
      ...(locked === undefined ? {} : { locked: strictBoolean(locked) }),
      ...(states === undefined
        ? {}
        : {
            vm_states: states.vm_states,
            ...(states.task_states === null ? {} : { task_states: states.task_states }),
          }),
    },
    page: {
      sort: readSort(all, request.caller.is_admin),
      limit: pageLimit(lastValue(all, 'limit'), services.configuration.api.max_limit),
      marker: lastValue(all, 'marker') ?? null,
    },
  };
}

function visibleFilters(services: ApiServices, request: FastifyRequest, query: QueryValues): QueryValues {
  if (allows(services, request, serverPolicies.all_filters)) return query;
  const names = new Set(userFilters);
  for (const [minor, added] of userFiltersSince)
    if (request.microversion.atLeast(2, minor)) for (const name of added) names.add(name);
  return Object.fromEntries(Object.entries(query).filter(([name]) => names.has(name)));
}

/** `?all_tenants` without a value means yes, as in Nova. */
function readAllTenants(value: string | undefined): boolean {
  if (value === undefined) return false;
  return value === '' || strictBoolean(value);
}

function readSort(query: QueryValues, isAdmin: boolean): ServerPage['sort'] {
  const keys = query['sort_key'] ?? [];
  const directions = query['sort_dir'] ?? [];
  const used = keys
    .map((key, index) => ({
      key,
      direction: directions[index] === 'asc' ? ('asc' as const) : ('desc' as const),
    }))
    .filter(({ key }) => !ignoredSortKeys.has(key));
  const denied = used.find(({ key }) => adminSortKeys.has(key));
  if (denied !== undefined && !isAdmin) throw new DroverError('sort_key_denied', { key: denied.key });
  return used;
}

function tagsOf(value: string | undefined): readonly string[] | undefined {
  return value === undefined || value === '' ? undefined : value.split(',');
}

/** The schema has checked the form; what no calendar has (31 February) is refused here. */
export function timeOf(value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  const at = parseTime(value);
  if (at === null)
    throw new DroverError('validation_failed', {
      message: `Invalid input for time: ${value} is not a 'date-time'`,
    });
  return at.toISOString();
}

/** Leaves out what is undefined, so that optional properties are absent rather than undefined. */
export function defined<Value extends object>(
  value: Value,
): { [Key in keyof Value]?: Exclude<Value[Key], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as {
    [Key in keyof Value]?: Exclude<Value[Key], undefined>;
  };
}
