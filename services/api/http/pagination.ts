import type { FastifyRequest } from 'fastify';
import { computeLinks, type Link } from './links.ts';
import { queryValues } from './validate.ts';

/** Items per answer: what was asked for, at most the configured maximum; no or an empty `limit` means the maximum. */
export function pageLimit(limit: string | undefined, max_limit: number): number {
  return limit === undefined || limit === '' ? max_limit : Math.min(Number(limit), max_limit);
}

/**
 * The `<collection>_links` of a full page: Nova gives them whenever the page is as long as its limit, even if
 * nothing follows. Undefined otherwise. The query is repeated in alphabetical order with the new marker.
 * @param path of the list, e.g. `servers/detail`
 */
export function nextLinks(
  request: FastifyRequest,
  path: string,
  page: { readonly items: number; readonly limit: number; readonly last_id: string | undefined },
  link_prefix: string | null = null,
): readonly Link[] | undefined {
  if (page.limit === 0 || page.items < page.limit || page.last_id === undefined) return undefined;
  const query = new URLSearchParams();
  for (const [name, values] of Object.entries(queryValues(request.query)).sort(([a], [b]) =>
    a < b ? -1 : 1,
  ))
    query.set(name, values?.at(-1) ?? '');
  query.set('marker', page.last_id);
  return [{ rel: 'next', href: `${computeLinks(request, link_prefix).self(path)}?${query.toString()}` }];
}
