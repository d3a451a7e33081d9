import { stringify } from 'yaml';
import { CommandFailure, ExitCode } from '../exit-codes.ts';
import { renderTable } from './table.ts';

export const formats = ['table', 'json', 'yaml', 'csv', 'value'] as const;
export type Format = (typeof formats)[number];

export type Cell = string | number | boolean | null | object;
export type Row = Readonly<Record<string, Cell>>;

export interface OutputOptions {
  readonly format: Format;
  /** Column names to show, in this order; empty: all. Matched without regard to case. */
  readonly columns: readonly string[];
}

/** Many things: one row each. The shapes are those of the openstack client, so that scripts can be moved over. */
export function renderList(columns: readonly string[], rows: readonly Row[], options: OutputOptions): string {
  const shown = chooseColumns(columns, options.columns);
  const picked = rows.map((row) => Object.fromEntries(shown.map((column) => [column, row[column] ?? null])));
  switch (options.format) {
    case 'table':
      return renderTable(
        shown,
        picked.map((row) => shown.map((column) => cellText(row[column]))),
      );
    case 'json':
      return JSON.stringify(picked, null, 2);
    case 'yaml':
      return stringify(picked).trimEnd();
    case 'csv':
      return [
        shown.map(csvCell).join(','),
        ...picked.map((row) => shown.map((column) => csvCell(row[column])).join(',')),
      ].join('\n');
    case 'value':
      return picked.map((row) => shown.map((column) => cellText(row[column])).join(' ')).join('\n');
    default:
      return options.format satisfies never;
  }
}

/** One thing: field and value. */
export function renderOne(row: Row, options: OutputOptions): string {
  const shown = chooseColumns(Object.keys(row), options.columns);
  const picked = Object.fromEntries(shown.map((column) => [column, row[column] ?? null]));
  switch (options.format) {
    case 'table':
      return renderTable(
        ['Field', 'Value'],
        shown.map((column) => [column, cellText(picked[column])]),
      );
    case 'json':
      return JSON.stringify(picked, null, 2);
    case 'yaml':
      return stringify(picked).trimEnd();
    case 'csv':
      return [shown.map(csvCell).join(','), shown.map((column) => csvCell(picked[column])).join(',')].join(
        '\n',
      );
    case 'value':
      return shown.map((column) => cellText(picked[column])).join('\n');
    default:
      return options.format satisfies never;
  }
}

/** @throws CommandFailure (usage) for a column that does not exist, naming those that do. */
function chooseColumns(all: readonly string[], wanted: readonly string[]): readonly string[] {
  if (wanted.length === 0) return all;
  return wanted.map((name) => {
    const found = all.find((column) => column.toLowerCase() === name.toLowerCase());
    if (found === undefined) {
      throw new CommandFailure(ExitCode.usage, `No column '${name}'. There are: ${all.join(', ')}.`);
    }
    return found;
  });
}

function cellText(cell: Cell | undefined): string {
  if (cell === null || cell === undefined) return '';
  if (typeof cell === 'string') return cell;
  if (typeof cell === 'boolean') return cell ? 'True' : 'False';
  if (typeof cell === 'number') return String(cell);
  if (Array.isArray(cell)) return cell.map((part: Cell) => cellText(part)).join(', ');
  return Object.entries(cell)
    .map(([key, value]) => `${key}='${cellText(value as Cell)}'`)
    .join(', ');
}

function csvCell(cell: Cell | undefined): string {
  const text = cellText(cell);
  return typeof cell === 'number' ? text : `"${text.replaceAll('"', '""')}"`;
}
