import { expect, test } from 'vitest';
import { joinedStatements, RowChanges } from '../../../../services/scheduler/drive/row-changes.ts';

const keys = { operation: 'op', instance: 'in', migration: null };

test('everything of one row becomes one update, and each value has its place', () => {
  const rows = new RowChanges(keys);
  rows.set('operations', { step: 'copy', attempt: undefined });
  rows.set('operations', { state: 'running' });
  rows.part(`insert into x values (${rows.add(7)})`);
  const { text, values } = rows.statement();
  expect(text.match(/update operations/g)).toHaveLength(1);
  expect(text).not.toContain('attempt');
  const places = [...text.matchAll(/\$(\d+)/g)].map((match) => Number(match[1]));
  expect(new Set(places)).toEqual(new Set(values?.map((_, index) => index + 1)));
});

test('the same shape gets the same prepared name, another shape another', () => {
  const named = (...columns: string[]) => {
    const rows = new RowChanges(keys);
    for (const column of columns) rows.set('instances', { [column]: 1 });
    return rows.statement().name;
  };
  expect(named('a')).toBe(named('a'));
  expect(named('a')).not.toBe(named('a', 'b'));
});

test('two values for one column, or a row that is not there, are bugs', () => {
  const rows = new RowChanges(keys);
  rows.set('instances', { task_state: 'deleting' });
  expect(() => rows.set('instances', { task_state: null })).toThrow('instances.task_state was set twice');
  const other = new RowChanges(keys);
  other.set('migrations', { status: 'error' });
  expect(() => other.statement()).toThrow('migrations');
});

test('changes of one form are written by one statement, with a row for each; others by their own', () => {
  const changed = (operation: string, attempt: number, extra?: (rows: RowChanges) => void) => {
    const rows = new RowChanges({ ...keys, operation });
    rows.set('operations', { step: 'survey', attempt, facts: '{"a":1}' });
    extra?.(rows);
    return rows;
  };
  const statements = joinedStatements([
    changed('a', 1),
    changed('b', 2),
    changed('c', 3, (rows) =>
      rows.part({ insert_into: 't (x)', select: `select ${rows.add(5, 'integer')}` }),
    ),
    // A column whose type nobody has told.
    changed('d', 4, (rows) => rows.set('instances', { unheard_of: 1 })),
  ]);
  expect(statements).toHaveLength(3);
  const joined = statements.filter(({ text }) => text.includes('jsonb_to_recordset'));
  const rowsOf = (values: unknown[] | undefined) => JSON.parse(String(values?.[0])) as unknown[];
  expect(joined.map(({ values }) => rowsOf(values))).toEqual([
    [
      { p1: 'survey', p2: 1, p3: '{"a":1}', p4: 'a' },
      { p1: 'survey', p2: 2, p3: '{"a":1}', p4: 'b' },
    ],
    [{ p1: 'survey', p2: 3, p3: '{"a":1}', p4: 5, p5: 'c' }],
  ]);
  expect(joined[0]?.text).toContain('facts = r.p3::jsonb');
  expect(joined[1]?.text).toContain('insert into t (x) select x.* from r cross join lateral (select r.p4) x');
});
