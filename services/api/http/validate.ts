import { DroverError } from '../../../shared/errors/drover-error.ts';
import { findViolation, type JsonSchema, type Violation } from './json-schema.ts';
import { pythonText } from './python-notation.ts';

/** A schema together with the type that a value has once it passed. The author vouches for the pair. */
export interface BodySchema<Body> {
  readonly schema: JsonSchema;
  /** Only for the compiler. */
  readonly body?: Body;
}

/** Declares what `validateBody` returns for this schema: `bodySchema<{ migrate: { host?: string | null } | null }>({…})`. */
export function bodySchema<Body>(schema: JsonSchema): BodySchema<Body> {
  return { schema };
}

/**
 * Checks a request body (`undefined`: there was none; Nova then validates None).
 * @throws DroverError validation_failed (400) with Nova's text for the first violation
 */
export function validateBody<Body>(wanted: BodySchema<Body>, value: unknown): Body {
  const violation = findViolation(wanted.schema, value);
  if (violation !== null)
    throw new DroverError('validation_failed', {
      message: textOf(violation, violation.path.at(-1), 'field/attribute'),
    });
  return value as Body;
}

/** What Fastify parsed from the query string: a repeated parameter is a list. */
export type RawQuery = unknown;
export type QueryValues = Readonly<Record<string, readonly string[] | undefined>>;

/** Query parameter schemas by name; each is applied to every value of a repeated parameter. */
export interface QuerySchema {
  readonly parameters: Readonly<Record<string, JsonSchema>>;
  /** Whole families of names (Nova's `^_` in server lists). */
  readonly patterns?: Readonly<Record<string, JsonSchema>>;
  /** False: an unknown parameter is an error; true: it is dropped. */
  readonly allows_others: boolean;
}

/**
 * Checks and normalises query parameters.
 * @returns every known parameter as a list of texts, in the order of the request; unknown ones are dropped
 * @throws DroverError validation_failed (400) with Nova's text
 */
export function validateQuery(wanted: QuerySchema, query: RawQuery): QueryValues {
  const values = queryValues(query);
  const violation = findViolation(objectSchema(wanted), values);
  if (violation !== null)
    throw new DroverError('validation_failed', {
      message: textOf(violation, violation.path[0], 'query parameters'),
    });
  const patterns = Object.keys(wanted.patterns ?? {}).map((pattern) => new RegExp(pattern, 'u'));
  return Object.fromEntries(
    Object.entries(values).filter(
      ([name]) => Object.hasOwn(wanted.parameters, name) || patterns.some((pattern) => pattern.test(name)),
    ),
  );
}

/** Last value of a parameter, which wins when it is repeated. */
export function lastValue(query: QueryValues, name: string): string | undefined {
  return query[name]?.at(-1);
}

function objectSchema(wanted: QuerySchema): JsonSchema {
  const listOf = (schemas: Readonly<Record<string, JsonSchema>>) =>
    Object.fromEntries(
      Object.entries(schemas).map(([name, items]) => [name, { type: 'array', items } as const]),
    );
  return {
    type: 'object',
    properties: listOf(wanted.parameters),
    ...(wanted.patterns === undefined ? {} : { patternProperties: listOf(wanted.patterns) }),
    additionalProperties: wanted.allows_others,
  };
}

export function queryValues(query: RawQuery): QueryValues {
  if (typeof query !== 'object' || query === null) return {};
  return Object.fromEntries(
    Object.entries(query).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.map(String) : [String(value)],
    ]),
  );
}

/** Facts document, section 2.2: the bare message at the top level, else with the place and the value. */
function textOf(violation: Violation, place: string | number | undefined, kind: string): string {
  if (violation.detail !== undefined) return violation.detail;
  if (place === undefined) return violation.message;
  return `Invalid input for ${kind} ${place}. Value: ${pythonText(violation.value)}. ${violation.message}`;
}

/** Building blocks that many of Nova's schemas share. */
export const nameSchema: JsonSchema = { type: 'string', minLength: 1, maxLength: 255, format: 'name' };
const trueWords = [true, 'True', 'TRUE', 'true', '1', 'ON', 'On', 'on', 'YES', 'Yes', 'yes'] as const;
const falseWords = [false, 'False', 'FALSE', 'false', '0', 'OFF', 'Off', 'off', 'NO', 'No', 'no'] as const;
export const booleanSchema: JsonSchema = {
  type: ['boolean', 'string'],
  enum: [...trueWords, ...falseWords],
};
/** Query parameters that Nova matches as `non_negative_integer` strings: limit, offset. */
export const limitSchema: JsonSchema = {
  type: ['integer', 'string'],
  pattern: '^[0-9]*$',
  minimum: 0,
  minLength: 1,
};

/** Reads a value that passed `booleanSchema`. */
export function booleanValue(value: unknown): boolean {
  return value === true || (typeof value === 'string' && /^(?:true|1|on|yes)$/i.test(value));
}

/**
 * Reads a boolean as oslo.utils does in strict mode (query parameters such as `all_tenants`).
 * @throws DroverError validation_failed (400) `Unrecognized value 'maybe', acceptable values are: …`
 */
export function strictBoolean(text: string): boolean {
  const word = text.trim().toLowerCase();
  if (['1', 't', 'true', 'on', 'y', 'yes'].includes(word)) return true;
  if (['0', 'f', 'false', 'off', 'n', 'no'].includes(word)) return false;
  const known = ['0', '1', 'f', 'false', 'n', 'no', 'off', 'on', 't', 'true', 'y', 'yes'];
  throw new DroverError('validation_failed', {
    message: `Unrecognized value '${text}', acceptable values are: ${known.map((one) => `'${one}'`).join(', ')}`,
  });
}
