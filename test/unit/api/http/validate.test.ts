import { describe, expect, test } from 'vitest';
import type { JsonSchema } from '../../../../services/api/http/json-schema.ts';
import {
  bodySchema,
  booleanSchema,
  lastValue,
  limitSchema,
  strictBoolean,
  validateBody,
  validateQuery,
} from '../../../../services/api/http/validate.ts';

const server = (properties: JsonSchema['properties'], more: JsonSchema = {}): JsonSchema => ({
  type: 'object',
  properties: {
    server: { type: 'object', properties: properties ?? {}, ...more, additionalProperties: false },
  },
  required: ['server'],
  additionalProperties: false,
});
const name: JsonSchema = { type: 'string', minLength: 1, maxLength: 10 };

/** Each text was answered by a real Nova for such a value. */
describe('texts about bodies', () => {
  test.each<[string, JsonSchema, unknown, string]>([
    ['no body', server({}), undefined, "None is not of type 'object'"],
    ['a list', server({}), [], "[] is not of type 'object'"],
    ['an empty object', server({}), {}, "'server' is a required property"],
    [
      'too short',
      server({ name }),
      { server: { name: '' } },
      "Invalid input for field/attribute name. Value: . '' is too short",
    ],
    [
      'too long',
      server({ name }),
      { server: { name: 'nnnnnnnnnnn' } },
      "Invalid input for field/attribute name. Value: nnnnnnnnnnn. 'nnnnnnnnnnn' is too long",
    ],
    [
      'missing',
      server({ name }, { required: ['name'] }),
      { server: { x: null } },
      "Invalid input for field/attribute server. Value: {'x': None}. 'name' is a required property",
    ],
    [
      'unexpected',
      server({ name }),
      { server: { name: 'x', y: 1 } },
      "Invalid input for field/attribute server. Value: {'name': 'x', 'y': 1}. Additional properties are not allowed ('y' was unexpected)",
    ],
    [
      'two unexpected',
      server({}),
      { server: { a: true, b: [] } },
      "Invalid input for field/attribute server. Value: {'a': True, 'b': []}. Additional properties are not allowed ('a', 'b' were unexpected)",
    ],
    [
      'a type of two',
      server({ host: { type: ['string', 'null'] } }),
      { server: { host: 5 } },
      "Invalid input for field/attribute host. Value: 5. 5 is not of type 'string', 'null'",
    ],
    [
      'null',
      { type: 'object', properties: { resize: { type: 'object' } } },
      { resize: null },
      "Invalid input for field/attribute resize. Value: None. None is not of type 'object'",
    ],
    [
      'a pattern',
      server({ host: { pattern: '^[a-zA-Z0-9-._]*$' } }),
      { server: { host: 'a b' } },
      "Invalid input for field/attribute host. Value: a b. 'a b' does not match '^[a-zA-Z0-9-._]*$'",
    ],
    [
      'an enumeration',
      server({ state: { enum: ['active', 'error'] } }),
      { server: { state: 'sleeping' } },
      "Invalid input for field/attribute state. Value: sleeping. 'sleeping' is not one of ['active', 'error']",
    ],
    [
      'a minimum',
      server({ ram: { minimum: 1 } }),
      { server: { ram: 0 } },
      'Invalid input for field/attribute ram. Value: 0. 0 is less than the minimum of 1',
    ],
    [
      'a minimum of a text',
      server({ ram: { minimum: 1 } }),
      { server: { ram: '0' } },
      'Invalid input for field/attribute ram. Value: 0. 0 is less than the minimum of 1',
    ],
    [
      'a place in a list',
      server({ policies: { items: { enum: ['a'] } } }),
      { server: { policies: ['a', 'b'] } },
      "Invalid input for field/attribute 1. Value: b. 'b' is not one of ['a']",
    ],
    [
      'a long list',
      server({ policies: { maxItems: 1 } }),
      { server: { policies: ['a', 'b'] } },
      "Invalid input for field/attribute policies. Value: ['a', 'b']. ['a', 'b'] is too long",
    ],
    [
      'alternatives',
      server({ image: { oneOf: [{ format: 'uuid' }, { maxLength: 0 }] } }),
      { server: { image: 'cirros' } },
      "Invalid input for field/attribute image. Value: cirros. 'cirros' is not valid under any of the given schemas",
    ],
    [
      'a boolean-ish',
      server({ flag: booleanSchema }),
      { server: { flag: 'maybe' } },
      "Invalid input for field/attribute flag. Value: maybe. 'maybe' is not one of [True, 'True', 'TRUE', 'true', '1', 'ON', 'On', 'on', 'YES', 'Yes', 'yes', False, 'False', 'FALSE', 'false', '0', 'OFF', 'Off', 'off', 'NO', 'No', 'no']",
    ],
    [
      'a name with blanks around it',
      server({ name: { format: 'name' } }),
      { server: { name: ' x' } },
      "An invalid 'name' value was provided. The name must be: printable characters. Can not start or end with whitespace.",
    ],
    [
      'a quote',
      server({ name: { enum: [] } }),
      { server: { name: "it's" } },
      `Invalid input for field/attribute name. Value: it's. "it's" is not one of []`,
    ],
  ])('%s', (_what, schema, value, text) => {
    expect(() => validateBody(bodySchema(schema), value)).toThrow(expect.objectContaining({ message: text }));
  });

  test('the order of the schema decides which of two mistakes is told', () => {
    const value = { server: { name: '', y: 1 } };
    expect(() => validateBody(bodySchema(server({ name })), value)).toThrow("'' is too short");
  });

  test('names of the prototype are no properties', () => {
    expect(() => validateBody(bodySchema(server({})), { server: { constructor: 1 } })).toThrow(
      "'constructor' was unexpected",
    );
  });

  test('what passes comes back as it was', () => {
    const value = { server: { name: 'x' } };
    expect(validateBody(bodySchema(server({ name })), value)).toBe(value);
  });
});

describe('queries', () => {
  const parameters = { limit: limitSchema, 'changes-since': { format: 'date-time' } } as const;

  test.each([
    [{ limit: '-1' }, "Invalid input for query parameters limit. Value: -1. '-1' does not match '^[0-9]*$'"],
    [
      { limit: ['1', '1.5'] },
      "Invalid input for query parameters limit. Value: 1.5. '1.5' does not match '^[0-9]*$'",
    ],
    [
      { 'changes-since': 'bogus' },
      "Invalid input for query parameters changes-since. Value: bogus. 'bogus' is not a 'date-time'",
    ],
    [{ foo: '1' }, "Additional properties are not allowed ('foo' was unexpected)"],
  ])('%j', (query, text) => {
    expect(() => validateQuery({ parameters, allows_others: false }, query)).toThrow(
      expect.objectContaining({ message: text }),
    );
  });

  test('families of names', () => {
    const wanted = { parameters, patterns: { '^_': {} }, allows_others: false };
    expect(() => validateQuery(wanted, { bogus: '1' })).toThrow(
      "'bogus' does not match any of the regexes: '^_'",
    );
    expect(validateQuery(wanted, { _x: '1' })).toEqual({ _x: ['1'] });
  });

  test('unknown ones are dropped where that is allowed; the last of several wins', () => {
    const query = validateQuery({ parameters, allows_others: true }, { limit: ['1', '2'], foo: 'x' });
    expect(query).toEqual({ limit: ['1', '2'] });
    expect(lastValue(query, 'limit')).toBe('2');
  });
});

test('booleans of queries', () => {
  expect(strictBoolean('True')).toBe(true);
  expect(strictBoolean('off')).toBe(false);
  expect(() => strictBoolean('maybe')).toThrow(
    "Unrecognized value 'maybe', acceptable values are: '0', '1', 'f', 'false', 'n', 'no', 'off', 'on', 't', 'true', 'y', 'yes'",
  );
});
