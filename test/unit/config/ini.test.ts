import { describe, expect, test } from 'vitest';
import { parseIni } from '../../../shared/config/ini.ts';

/** Assignments as `section.name=value` lines. */
const read = (text: string) =>
  parseIni(text, 'f.conf').assignments.map(({ section, name, value }) => `${section}.${name}=${value}`);

describe('what is read', () => {
  test.each([
    ['an assignment', '[a]\nx = 1', ['a.x=1']],
    ['a colon', '[a]\nx: 1', ['a.x=1']],
    ['the first sign counts', '[a]\nx = http://h:1\ny: a=b', ['a.x=http://h:1', 'a.y=a=b']],
    [
      'hash and semicolon within a value',
      '[a]\nx = rabbit://u:p#q;r@h/ # no comment',
      ['a.x=rabbit://u:p#q;r@h/ # no comment'],
    ],
    ['comments at the start of a line', '# a\n; b\n[a]\n#x = 1\nx = 2', ['a.x=2']],
    ['continuation', '[a]\nx = one,\n  two,\n\tthree\ny = 1', ['a.x=one,\ntwo,\nthree', 'a.y=1']],
    ['a comment ends a continuation', '[a]\nx = one\n# c\ny = 2', ['a.x=one', 'a.y=2']],
    ['an indented hash goes on with the value', '[a]\nx = one\n  # two', ['a.x=one\n# two']],
    ['a repeated key', '[a]\nx = 1\nx = 2', ['a.x=1', 'a.x=2']],
    ['a section that comes again', '[a]\nx = 1\n[b]\ny = 2\n[a]\nz = 3', ['a.x=1', 'b.y=2', 'a.z=3']],
    ['quotes around the whole value', '[a]\nx = " 1 "\ny = \'2\'\nz = "3', ['a.x= 1 ', 'a.y=2', 'a.z="3']],
    ['an empty value', '[a]\nx =', ['a.x=']],
    ['line ends of Windows', '[a]\r\nx = 1\r\n', ['a.x=1']],
  ])('%s', (_name, text, expected) => {
    expect(read(text)).toEqual(expected);
    expect(parseIni(text, 'f.conf').problems).toEqual([]);
  });
});

describe('what is no INI', () => {
  test.each([
    ['[a\nx = 1', 1, /closing bracket/],
    ['[a]\n\n  x', 3, /continuation/],
    ['[]', 1, /no name/],
    ['[a]\nnonsense', 2, /no "=" or ":"/],
    ['[a]\n= 1', 2, /no option name/],
    ['x = 1', 1, /before the first \[section\]/],
  ])('%j is a problem in line %i', (text, line, message) => {
    const [problem] = parseIni(text, 'f.conf').problems;
    expect(problem).toMatchObject({
      file: 'f.conf',
      line,
      message: expect.stringMatching(message) as string,
    });
  });
});

test('a problem never shows a value', () => {
  const { problems } = parseIni('transport_url = rabbit://u:hidden@h\nhidden', 'f.conf');
  expect(problems).toHaveLength(2);
  expect(JSON.stringify(problems)).not.toContain('hidden');
});
