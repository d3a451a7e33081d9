import { describe, expect, test } from 'vitest';
import { renderList, renderOne, type Format } from '../../../services/cli/output/format.ts';
import { CommandFailure } from '../../../services/cli/exit-codes.ts';

const columns = ['ID', 'Name', 'Size'];
const rows = [
  { ID: 'a1', Name: 'first', Size: 5 },
  { ID: 'b2', Name: 'the "second", really', Size: null },
];

const list = (format: Format, ...chosen: string[]): string =>
  renderList(columns, rows, { format, columns: chosen });

describe('lists', () => {
  test('table', () => {
    expect(list('table')).toBe(
      [
        '+----+----------------------+------+',
        '| ID | Name                 | Size |',
        '+----+----------------------+------+',
        '| a1 | first                | 5    |',
        '| b2 | the "second", really |      |',
        '+----+----------------------+------+',
      ].join('\n'),
    );
  });
  test('json keeps types', () => {
    expect(JSON.parse(list('json', 'Size', 'ID'))).toEqual([
      { Size: 5, ID: 'a1' },
      { Size: null, ID: 'b2' },
    ]);
  });
  test('csv quotes text and doubles quotes', () => {
    expect(list('csv', 'Name', 'Size')).toBe('"Name","Size"\n"first",5\n"the ""second"", really",""');
  });
  test('value is bare, one line each', () => {
    expect(list('value', 'ID')).toBe('a1\nb2');
  });
  test('yaml', () => {
    expect(list('yaml', 'ID')).toBe('- ID: a1\n- ID: b2');
  });
  test('a column is found in any case, an unknown one is named with those that exist', () => {
    expect(list('value', 'name')).toBe('first\nthe "second", really');
    expect(() => list('value', 'nope')).toThrow(
      new CommandFailure(2, "No column 'nope'. There are: ID, Name, Size."),
    );
  });
  test('an empty list has a header and no rows', () => {
    expect(renderList(['ID'], [], { format: 'table', columns: [] })).toBe('+----+\n| ID |\n+----+');
  });
});

describe('one thing', () => {
  const thing = { status: 'ACTIVE', locked: false, metadata: { a: 'b' }, tags: ['x', 'y'] };
  test('value prints the fields in the order asked for', () => {
    expect(renderOne(thing, { format: 'value', columns: ['locked', 'status'] })).toBe('False\nACTIVE');
  });
  test('table shows maps and lists in words', () => {
    const table = renderOne(thing, { format: 'table', columns: [] });
    expect(table).toContain("| metadata | a='b'");
    expect(table).toContain('| tags     | x, y');
  });
  test('control characters of a name do not reach the terminal', () => {
    expect(renderOne({ name: 'a\u001B[2Jb' }, { format: 'table', columns: [] })).toContain(
      String.raw`a\x1b[2Jb`,
    );
  });
});
