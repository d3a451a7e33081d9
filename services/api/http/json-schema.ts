import { pythonNotation } from './python-notation.ts';

/**
 * A JSON-Schema validator whose messages are those of Python's jsonschema 4.10 with Nova's extensions, and which
 * stops at the first violation in the order of the schema's own keys, as Nova does. Its texts are part of the
 * API (facts document, section 2.2). No ready validator gives them, and the subset is small.
 */
export interface JsonSchema {
  readonly type?: TypeName | readonly TypeName[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly patternProperties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: boolean | JsonSchema;
  readonly required?: readonly string[];
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly items?: JsonSchema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly uniqueItems?: boolean;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly format?: Format;
  /** As in Nova, a string of digits is compared too. */
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
  readonly not?: JsonSchema;
}

export type TypeName = 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean' | 'null';
export type Format =
  'date-time' | 'uuid' | 'base64' | 'uri' | 'ipv4' | 'ipv6' | 'name' | 'name_with_leading_trailing_spaces';

/** Where and why a value fails. `detail` replaces the whole text where Nova has a sentence of its own. */
export interface Violation {
  readonly path: readonly (string | number)[];
  readonly value: unknown;
  readonly message: string;
  readonly detail?: string;
}

type Check = (argument: never, value: unknown, schema: JsonSchema) => Violation | null;

/** First violation in the schema's order, or null. */
export function findViolation(schema: JsonSchema, value: unknown): Violation | null {
  for (const [keyword, argument] of Object.entries(schema)) {
    const check = checks[keyword as keyof JsonSchema];
    const violation = check?.(argument as never, value, schema) ?? null;
    if (violation !== null) return violation;
  }
  return null;
}

const fail = (value: unknown, message: string): Violation => ({ path: [], value, message });

function within(violation: Violation | null, step: string | number): Violation | null {
  return violation === null ? null : { ...violation, path: [step, ...violation.path] };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const typeChecks: Readonly<Record<TypeName, (value: unknown) => boolean>> = {
  object: isObject,
  array: Array.isArray,
  string: (value) => typeof value === 'string',
  integer: Number.isInteger,
  number: (value) => typeof value === 'number',
  boolean: (value) => typeof value === 'boolean',
  null: (value) => value === null || value === undefined,
};

/** Length as Python counts it: in code points. */
function lengthOf(text: string): number {
  return Array.from(text).length;
}

function equal(left: unknown, right: unknown): boolean {
  return pythonNotation(left) === pythonNotation(right);
}

const repr = pythonNotation;

/** Nova lets bounds apply to strings that hold a whole number (query parameters, JSON strings). */
function boundedNumber(value: unknown): number | null {
  if (typeof value === 'number') return value;
  return typeof value === 'string' && /^\s*[+-]?\d+\s*$/.test(value) ? Number(value) : null;
}

const formats: Readonly<Record<Format, RegExp>> = {
  'date-time':
    /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?\s*(?:[Zz]|[+-]\d\d(?::?\d\d)?)?)?$/,
  uuid: /^\{?(?:urn:uuid:)?[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}\}?$/i,
  base64: /^(?:[A-Za-z0-9+/\s]*={0,2}\s*)$/,
  uri: /^[a-z][a-z0-9+.-]*:\S+$/i,
  ipv4: /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)$/,
  ipv6: /^(?=.*:.*:)[0-9a-f:.]+$/i,
  name: /^(?!\s)[^\p{Cc}\p{Cs}\p{Cn}\p{Zl}\p{Zp}]*(?<!\s)$/u,
  name_with_leading_trailing_spaces: /^(?=.*\S)[^\p{Cc}\p{Cs}\p{Cn}\p{Zl}\p{Zp}]*$/u,
};

const nameDetails: Partial<Record<Format, string>> = {
  name: "An invalid 'name' value was provided. The name must be: printable characters. Can not start or end with whitespace.",
  name_with_leading_trailing_spaces:
    "An invalid 'name' value was provided. The name must be: printable characters with at least one non space character",
};

const checks: { readonly [Keyword in keyof JsonSchema]-?: Check } = {
  type(types: JsonSchema['type'] & {}, value) {
    const list = typeof types === 'string' ? [types] : types;
    if (list.some((type) => typeChecks[type](value))) return null;
    return fail(value, `${repr(value)} is not of type ${list.map(repr).join(', ')}`);
  },
  properties(properties: Readonly<Record<string, JsonSchema>>, value) {
    if (!isObject(value)) return null;
    for (const [name, schema] of Object.entries(properties)) {
      if (!Object.hasOwn(value, name)) continue;
      const violation = within(findViolation(schema, value[name]), name);
      if (violation !== null) return violation;
    }
    return null;
  },
  patternProperties(patterns: Readonly<Record<string, JsonSchema>>, value) {
    if (!isObject(value)) return null;
    for (const [pattern, schema] of Object.entries(patterns))
      for (const [name, item] of Object.entries(value)) {
        if (!new RegExp(pattern, 'u').test(name)) continue;
        const violation = within(findViolation(schema, item), name);
        if (violation !== null) return violation;
      }
    return null;
  },
  additionalProperties(allowed: boolean | JsonSchema, value, schema) {
    if (!isObject(value) || allowed === true) return null;
    const patterns = Object.keys(schema.patternProperties ?? {});
    const extra = Object.keys(value).filter(
      (name) =>
        !Object.hasOwn(schema.properties ?? {}, name) &&
        !patterns.some((pattern) => new RegExp(pattern, 'u').test(name)),
    );
    if (typeof allowed === 'object') {
      for (const name of extra) {
        const violation = within(findViolation(allowed, value[name]), name);
        if (violation !== null) return violation;
      }
      return null;
    }
    if (extra.length === 0) return null;
    if (patterns.length > 0)
      return fail(
        value,
        `${extra.sort().map(repr).join(', ')} ${extra.length === 1 ? 'does' : 'do'} not match any of the regexes: ` +
          patterns.sort().map(repr).join(', '),
      );
    return fail(
      value,
      `Additional properties are not allowed (${extra.map(repr).join(', ')} ${extra.length === 1 ? 'was' : 'were'} unexpected)`,
    );
  },
  required(names: readonly string[], value) {
    if (!isObject(value)) return null;
    const missing = names.find((name) => !Object.hasOwn(value, name));
    return missing === undefined ? null : fail(value, `${repr(missing)} is a required property`);
  },
  minProperties(least: number, value) {
    return isObject(value) && Object.keys(value).length < least
      ? fail(value, `${repr(value)} does not have enough properties`)
      : null;
  },
  maxProperties(most: number, value) {
    return isObject(value) && Object.keys(value).length > most
      ? fail(value, `${repr(value)} has too many properties`)
      : null;
  },
  items(schema: JsonSchema, value) {
    if (!Array.isArray(value)) return null;
    for (const [index, item] of value.entries()) {
      const violation = within(findViolation(schema, item), index);
      if (violation !== null) return violation;
    }
    return null;
  },
  minItems(least: number, value) {
    return Array.isArray(value) && value.length < least ? fail(value, `${repr(value)} is too short`) : null;
  },
  maxItems(most: number, value) {
    return Array.isArray(value) && value.length > most ? fail(value, `${repr(value)} is too long`) : null;
  },
  uniqueItems(unique: boolean, value) {
    if (!unique || !Array.isArray(value)) return null;
    return new Set(value.map(repr)).size === value.length
      ? null
      : fail(value, `${repr(value)} has non-unique elements`);
  },
  enum(values: readonly unknown[], value) {
    return values.some((one) => equal(one, value))
      ? null
      : fail(value, `${repr(value)} is not one of ${repr(values)}`);
  },
  const(expected: unknown, value) {
    return equal(expected, value) ? null : fail(value, `${repr(expected)} was expected`);
  },
  minLength(least: number, value) {
    return typeof value === 'string' && lengthOf(value) < least
      ? fail(value, `${repr(value)} is too short`)
      : null;
  },
  maxLength(most: number, value) {
    return typeof value === 'string' && value.length > most && lengthOf(value) > most
      ? fail(value, `${repr(value)} is too long`)
      : null;
  },
  pattern(pattern: string, value) {
    return typeof value !== 'string' || new RegExp(pattern).test(value)
      ? null
      : fail(value, `${repr(value)} does not match ${repr(pattern)}`);
  },
  format(format: Format, value) {
    if (typeof value !== 'string' || formats[format].test(value)) return null;
    const detail = nameDetails[format];
    const violation = fail(value, `${repr(value)} is not a ${repr(format)}`);
    return detail === undefined ? violation : { ...violation, detail };
  },
  minimum(least: number, value) {
    const number = boundedNumber(value);
    return number !== null && number < least
      ? fail(value, `${number} is less than the minimum of ${least}`)
      : null;
  },
  maximum(most: number, value) {
    const number = boundedNumber(value);
    return number !== null && number > most
      ? fail(value, `${number} is greater than the maximum of ${most}`)
      : null;
  },
  exclusiveMinimum(bound: number, value) {
    const number = boundedNumber(value);
    return number !== null && number <= bound
      ? fail(value, `${number} is less than or equal to the minimum of ${bound}`)
      : null;
  },
  anyOf(schemas: readonly JsonSchema[], value) {
    return schemas.some((schema) => findViolation(schema, value) === null)
      ? null
      : fail(value, `${repr(value)} is not valid under any of the given schemas`);
  },
  oneOf(schemas: readonly JsonSchema[], value) {
    const fitting = schemas.filter((schema) => findViolation(schema, value) === null);
    if (fitting.length === 1) return null;
    if (fitting.length === 0)
      return fail(value, `${repr(value)} is not valid under any of the given schemas`);
    const others = fitting.slice(1).concat(fitting.slice(0, 1));
    return fail(value, `${repr(value)} is valid under each of ${others.map(repr).join(', ')}`);
  },
  allOf(schemas: readonly JsonSchema[], value) {
    for (const schema of schemas) {
      const violation = findViolation(schema, value);
      if (violation !== null) return violation;
    }
    return null;
  },
  not(schema: JsonSchema, value) {
    return findViolation(schema, value) === null
      ? fail(value, `${repr(value)} should not be valid under ${repr(schema)}`)
      : null;
  },
};
