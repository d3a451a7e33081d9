import { expect, test } from 'vitest';
import { RowChanges } from '../../../../services/scheduler/drive/row-changes.ts';

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
