import { describe, expect, test } from 'vitest';
import { pythonNotation, pythonText } from '../../../../services/api/http/python-notation.ts';
import { parseTime, timeWithMicroseconds, timeWithZone } from '../../../../services/api/http/times.ts';

test.each([
  [null, 'None'],
  [true, 'True'],
  ['a', "'a'"],
  ["it's", `"it's"`],
  [`'"`, `'\\'"'`],
  ['a\nb\t\\', `'a\\nb\\t\\\\'`],
  ['\u0007', `'\\x07'`],
  ['\u200b', `'\\u200b'`],
  ['ü🐄', "'ü🐄'"],
  [1.5, '1.5'],
  [{ a: [1, null], 'b c': {} }, "{'a': [1, None], 'b c': {}}"],
])('%j in Python is %s', (value, text) => {
  expect(pythonNotation(value)).toBe(text);
});

test('a text by itself has no quotes', () => {
  expect(pythonText('a b')).toBe('a b');
  expect(pythonText(['a'])).toBe("['a']");
});

describe('times', () => {
  const time = new Date('2026-11-21T08:48:25.120Z');

  test('both forms', () => {
    expect(timeWithZone(time)).toBe('2026-11-21T08:48:25Z');
    expect(timeWithMicroseconds(time)).toBe('2026-11-21T08:48:25.120000');
  });

  test.each([
    ['2026-11-21T08:48:25.120000', '2026-11-21T08:48:25.120Z'],
    ['2026-11-21T08:48:25Z', '2026-11-21T08:48:25.000Z'],
    ['2026-11-21 08:48', '2026-11-21T08:48:00.000Z'],
    ['2026-11-21', '2026-11-21T00:00:00.000Z'],
    ['2026-11-21T10:48:25+02:00', '2026-11-21T08:48:25.000Z'],
    ['2026-11-21T10:48:25+0200', '2026-11-21T08:48:25.000Z'],
  ])('%s is read', (text, iso) => {
    expect(parseTime(text)?.toISOString()).toBe(iso);
  });

  test.each(['', 'then', '2020', '2026-13-45', '2026-11-21T99:00:00', '2026-11-21T08:48:25X'])(
    '"%s" is no time',
    (text) => {
      expect(parseTime(text)).toBeNull();
    },
  );
});
