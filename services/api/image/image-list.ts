import type { FastifyRequest } from 'fastify';
import type { Queryable } from '../../../shared/database/connect.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import { queryValues } from '../http/validate.ts';
import { imageColumns, isImageId, requireImage, type ImageRow } from './image-row.ts';
import { imageView } from './image-view.ts';

const LIMIT_DEFAULT = 25;
const LIMIT_MAX = 1000;

/** Sort keys of the API and what they stand for; nulls first, so that the comparison for paging is total. */
const sortKeys: Readonly<Record<string, string>> = {
  name: `coalesce(name, '')`,
  status: 'status',
  container_format: `coalesce(container_format, '')`,
  disk_format: `coalesce(disk_format, '')`,
  size: 'coalesce(size_bytes, -1)',
  id: 'id',
  created_at: 'created_at',
  updated_at: 'updated_at',
};

/** Filters on a column; `in:a,b` gives alternatives. */
const columnFilters: Readonly<Record<string, string>> = {
  id: 'id::text',
  name: 'name',
  status: 'status',
  owner: 'owner_project_id',
  disk_format: 'disk_format',
  container_format: 'container_format',
  checksum: 'checksum_md5',
  os_hash_value: 'sha512',
};

const pagingNames = ['limit', 'marker', 'sort', 'sort_key', 'sort_dir'];
/** Accepted and without effect: there are no members and one hash algorithm. */
const ignoredNames = ['member_status', 'os_hash_algo', 'created_at', 'updated_at'];

type Bind = (value: unknown) => string;
type Condition = (value: string, bind: Bind) => string;

const otherFilters: Readonly<Record<string, Condition>> = {
  size_min: (value, bind) => `size_bytes >= ${bind(wholeNumber('size_min', value))}`,
  size_max: (value, bind) => `size_bytes <= ${bind(wholeNumber('size_max', value))}`,
  min_ram: (value, bind) => `min_ram_mb = ${bind(wholeNumber('min_ram', value))}`,
  min_disk: (value, bind) => `min_disk_gb = ${bind(wholeNumber('min_disk', value))}`,
  protected: (value, bind) => `is_protected = ${bind(boolean('protected', value))}`,
  tag: (value, bind) => `${bind(value)} = any (tags)`,
};

/**
 * GET /v2/images: what the caller may see, filtered, a page at a time.
 * @throws DroverError image_invalid (400)
 */
export async function listImages(database: Queryable, request: FastifyRequest): Promise<object> {
  const { rows, limit } = await listImageRows(database, request);
  return { images: rows.map(imageView), ...pageLinks(request, rows, limit) };
}

/** The rows of one page, for those who show them in another form. */
export async function listImageRows(
  database: Queryable,
  request: FastifyRequest,
): Promise<{ readonly rows: readonly ImageRow[]; readonly limit: number }> {
  const query = queryValues(request.query);
  const last = (name: string) => query[name]?.at(-1);
  const values: unknown[] = [];
  const bind: Bind = (value) => `$${values.push(value)}`;
  const conditions = ['deleted_at is null', visibleTo(request, last('visibility'), bind)];
  conditions.push(`is_hidden = ${bind(boolean('os_hidden', last('os_hidden') ?? 'false'))}`);
  for (const [name, given] of Object.entries(query)) {
    if ([...pagingNames, ...ignoredNames, 'visibility', 'os_hidden'].includes(name)) continue;
    // A tag may be asked for several times: all of them must be there.
    for (const value of given ?? []) conditions.push(conditionOf(name, value, bind));
  }
  const { expression, direction } = orderOf(last);
  const marker = last('marker');
  if (marker !== undefined) {
    if (!isImageId(marker)) throw new DroverError('image_invalid', { message: 'Invalid marker.' });
    await requireImage(database, request.caller, marker);
    const sign = direction === 'desc' ? '<' : '>';
    conditions.push(
      `(${expression}, id) ${sign} (select ${expression}, id from images where id = ${bind(marker)})`,
    );
  }
  const limit = limitOf(last('limit'));
  const { rows } = await database.query<ImageRow>(
    `select ${imageColumns} from images where ${conditions.join(' and ')}
     order by ${expression} ${direction}, id ${direction} limit ${bind(limit)}`,
    values,
  );
  return { rows, limit };
}

function visibleTo(request: FastifyRequest, visibility: string | undefined, bind: Bind): string {
  const { caller } = request;
  const own = `owner_project_id = ${bind(caller.project_id)}`;
  const readable = caller.is_admin ? 'true' : `(visibility in ('public', 'community') or ${own})`;
  if (visibility === undefined || visibility === 'all')
    // Other projects' community images are found by asking for them; they would fill everybody's list.
    return visibility === 'all' ? readable : `(${readable} and (visibility <> 'community' or ${own}))`;
  if (!['public', 'private', 'shared', 'community'].includes(visibility))
    throw new DroverError('image_invalid', { message: `Invalid visibility value: ${visibility}` });
  return `(${readable} and visibility = ${bind(visibility)})`;
}

function conditionOf(name: string, value: string, bind: Bind): string {
  const other = otherFilters[name];
  if (other !== undefined && Object.hasOwn(otherFilters, name)) return other(value, bind);
  const column = Object.hasOwn(columnFilters, name) ? columnFilters[name] : undefined;
  if (column === undefined) return `properties ->> ${bind(name)} = ${bind(value)}`;
  const alternatives = value.startsWith('in:') ? splitAlternatives(value.slice(3)) : [value];
  return `${column} = any (${bind(alternatives)}::text[])`;
}

/** `in:a,b,"c,d"` */
function splitAlternatives(text: string): readonly string[] {
  return [...text.matchAll(/"((?:[^"\\]|\\.)*)"|([^,]+)/g)].map(
    ([, quoted, plain]) => quoted?.replaceAll(/\\(.)/g, '$1') ?? plain ?? '',
  );
}

/** `sort=name:asc,…` or `sort_key=…&sort_dir=…`; the first key counts, ties are broken by the id. */
function orderOf(last: (name: string) => string | undefined): {
  readonly expression: string;
  readonly direction: 'asc' | 'desc';
} {
  const [key, direction] = (last('sort')?.split(',')[0] ?? '').split(':');
  const name = key === undefined || key === '' ? (last('sort_key') ?? 'created_at') : key;
  const expression = Object.hasOwn(sortKeys, name) ? sortKeys[name] : undefined;
  if (expression === undefined)
    throw new DroverError('image_invalid', { message: `Invalid sort key: ${name}` });
  const way = direction ?? last('sort_dir') ?? 'desc';
  if (way !== 'asc' && way !== 'desc')
    throw new DroverError('image_invalid', { message: `Invalid sort direction: ${way}` });
  return { expression, direction: way };
}

function limitOf(text: string | undefined): number {
  if (text === undefined) return LIMIT_DEFAULT;
  if (!/^-?\d+$/.test(text))
    throw new DroverError('image_invalid', { message: 'limit param must be an integer' });
  if (text.startsWith('-'))
    throw new DroverError('image_invalid', { message: 'limit param must be positive' });
  return Math.min(Number(text), LIMIT_MAX);
}

function wholeNumber(name: string, text: string): number {
  if (!/^\d{1,15}$/.test(text))
    throw new DroverError('image_invalid', {
      message: `Unable to filter by ${name}: ${text} is not a number.`,
    });
  return Number(text);
}

function boolean(name: string, text: string): boolean {
  const word = text.toLowerCase();
  if (word !== 'true' && word !== 'false')
    throw new DroverError('image_invalid', { message: `Invalid value '${text}' for '${name}' filter.` });
  return word === 'true';
}

function pageLinks(request: FastifyRequest, rows: readonly ImageRow[], limit: number): object {
  const query = new URLSearchParams();
  for (const [name, values] of Object.entries(queryValues(request.query)))
    if (name !== 'marker') for (const value of values ?? []) query.append(name, value);
  const link = () => `/v2/images${query.size === 0 ? '' : `?${query.toString()}`}`;
  const first = link();
  const last_id = rows.length === limit ? rows.at(-1)?.id : undefined;
  if (last_id === undefined) return { first, schema: '/v2/schemas/images' };
  query.set('marker', last_id);
  return { first, schema: '/v2/schemas/images', next: link() };
}
