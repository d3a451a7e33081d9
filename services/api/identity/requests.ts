import type { FastifyRequest } from 'fastify';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import { publicRoot } from '../http/links.ts';
import { findViolation, type JsonSchema } from '../http/json-schema.ts';
import { queryValues, type BodySchema } from '../http/validate.ts';

/** What the identity routes share: links, rights, bodies and filters in Keystone's manner. */

export function identityRoot(request: FastifyRequest): string {
  return `${publicRoot(request)}/identity/v3`;
}

/** The address of one item. */
export function itemLink(request: FastifyRequest, collection: string, id: string): { readonly self: string } {
  return { self: `${identityRoot(request)}/${collection}/${id}` };
}

/** The links of a list; Keystone does not page. The query is repeated. */
export function listLinks(request: FastifyRequest): object {
  return { next: null, self: `${publicRoot(request)}${request.url}`, previous: null };
}

/** @throws DroverError identity_forbidden (403), naming Keystone's rule */
export function requireRight(allowed: boolean, rule: string): void {
  if (!allowed) throw new DroverError('identity_forbidden', { rule });
}

/**
 * Checks a body of the form `{ <key>: { … } }` and returns the inner object.
 * @throws DroverError identity_body_incomplete, identity_body_invalid (400)
 */
export function bodyOf<Body>(request: FastifyRequest, key: string, wanted: BodySchema<Body>): Body {
  const outer = request.body;
  if (typeof outer !== 'object' || outer === null || !Object.hasOwn(outer, key))
    throw new DroverError('identity_body_incomplete', { attribute: key, target: 'request body' });
  const inner: unknown = Reflect.get(outer, key);
  checkBody(wanted.schema, inner, [key]);
  return inner as Body;
}

/** @throws DroverError identity_body_invalid (400) with the path of the field */
export function checkBody(schema: JsonSchema, value: unknown, place: readonly string[]): void {
  const violation = findViolation(schema, value);
  if (violation !== null)
    throw new DroverError('identity_body_invalid', {
      field: [...place, ...violation.path].join('/'),
      message: violation.detail ?? violation.message,
    });
}

/** Equality filters from the query: only those that the list knows, the last value of a repeated one. */
export function filtersOf<Name extends string>(
  request: FastifyRequest,
  names: readonly Name[],
): Partial<Record<Name, string>> {
  const query = queryValues(request.query);
  const filters: Partial<Record<Name, string>> = {};
  for (const name of names) {
    const value = query[name]?.at(-1);
    if (value !== undefined) filters[name] = value;
  }
  return filters;
}

/** Keystone's boolean filter: everything but these words is true. */
export function filterBoolean(text: string | undefined): boolean | null {
  return text === undefined ? null : !['0', 'false', 'f', 'no', 'n', 'off'].includes(text.toLowerCase());
}

/** True for PostgreSQL's unique violation. */
export function isDuplicate(error: unknown): boolean {
  return typeof error === 'object' && error !== null && Reflect.get(error, 'code') === '23505';
}

export const textSchema: JsonSchema = { type: 'string', minLength: 1, maxLength: 255, pattern: '\\S' };
export const booleanSchema: JsonSchema = { type: 'boolean' };
export const descriptionSchema: JsonSchema = { type: ['string', 'null'], maxLength: 65_535 };
