import type { FoundVolume, GroupFigures } from './logical-volumes.ts';

/** What `vgs` and `lvs` say with `--reportformat json --units b --nosuffix`: all values are texts. */

/** @throws SyntaxError, TypeError */
export function parseGroup(output: string): GroupFigures {
  const [row] = rowsOf(output, 'vg');
  if (row === undefined) throw new TypeError('it names no group');
  return {
    size_bytes: bytesIn(row, 'vg_size'),
    free_bytes: bytesIn(row, 'vg_free'),
    extent_bytes: bytesIn(row, 'vg_extent_size'),
  };
}

/** @throws SyntaxError, TypeError */
export function parseVolumes(output: string): readonly FoundVolume[] {
  return rowsOf(output, 'lv').map((row) => ({
    name: textIn(row, 'lv_name'),
    size_bytes: bytesIn(row, 'lv_size'),
    tags: textIn(row, 'lv_tags')
      .split(',')
      .filter((tag) => tag !== ''),
    path: textIn(row, 'lv_path'),
  }));
}

type Row = Readonly<Record<string, unknown>>;

function rowsOf(output: string, kind: 'vg' | 'lv'): readonly Row[] {
  const parsed = JSON.parse(output) as { readonly report?: unknown } | null;
  const report = parsed?.report;
  if (!Array.isArray(report)) throw new TypeError('it has no report');
  return (report as readonly Row[]).flatMap((part) => {
    const rows = part[kind];
    if (!Array.isArray(rows)) throw new TypeError(`its report has no ${kind}`);
    return rows as readonly Row[];
  });
}

function textIn(row: Row, name: string): string {
  const value = row[name];
  if (typeof value !== 'string') throw new TypeError(`it has no ${name}`);
  return value;
}

function bytesIn(row: Row, name: string): number {
  const text = textIn(row, name);
  const bytes = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(bytes)) throw new TypeError(`its ${name} is "${text}"`);
  return bytes;
}
