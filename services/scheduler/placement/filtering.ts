import type { Columns, Scratch } from './columns.ts';
import type { BoundRule, Filter, FilterContext, Rule, Screen } from './filters/filter.ts';
import type { HostState, Rejections, Verdict } from './model.ts';
import { RejectionCollector } from './rejections.ts';

export interface Filtered {
  /** Rows of the hosts that passed everything, in the snapshot's order. */
  readonly rows: Int32Array;
  readonly survivors: ReadonlyArray<{ readonly filter: string; readonly hosts: number }>;
  readonly rejections: Rejections;
}

/** Runs the filters in order; each sees what the ones before left. The first that rejects a host gives its reason. */
export function filterHosts(
  columns: Columns,
  hosts: readonly HostState[],
  filters: readonly Filter[],
  context: FilterContext,
  scratch: Scratch,
): Filtered {
  const { rows } = scratch;
  const considered = hosts.length;
  for (let row = 0; row < considered; row += 1) rows[row] = row;
  const collector = new RejectionCollector(scratch);
  let count = considered;
  const survivors = filters.map((filter) => {
    const rule = count === 0 ? null : filter.prepare(context);
    if (rule !== null)
      count = applyRule(rule, filter.name, rows, count, columns, hosts, collector, scratch.failed_rows);
    return { filter: filter.name, hosts: count };
  });
  return { rows: rows.subarray(0, count), survivors, rejections: collector.finish(columns.names) };
}

/** Moves the rows that pass to the front, keeping their order; returns how many they are. */
function applyRule(
  rule: Rule,
  name: string,
  rows: Int32Array,
  count: number,
  columns: Columns,
  hosts: readonly HostState[],
  collector: RejectionCollector,
  failed: Int32Array,
): number {
  switch (rule.reads) {
    case 'columns': {
      const bound = rule.bind(columns);
      const groups: number[] = [];
      const add = (row: number): boolean => {
        const number = bound.reason(row);
        const head = bound.reasons[number];
        if (head === undefined) return false;
        const group = (groups[number] ??= collector.open({ filter: name, ...head }));
        collector.add(row, group, bound.available(row, number) ?? Number.NaN);
        return true;
      };
      return applyBound(bound, rows, count, add, failed);
    }
    case 'class': {
      if (rule.metadata_key !== undefined && !columns.classes.hasMetadata(rule.metadata_key)) return count;
      // One verdict per class of hosts: undefined until the first host of the class is met.
      const verdicts: Array<{ group: number; available: number } | null | undefined> = [];
      const groups = new Map<Verdict, { group: number; available: number }>();
      const { host_class, classes } = columns;
      return keep(rows, count, collector, (row) => {
        const number = host_class[row] ?? 0;
        let known = verdicts[number];
        if (known === undefined) {
          const described = classes.all[number];
          const verdict: Verdict = described === undefined ? { pass: true } : rule.check(described);
          known = verdict.pass ? null : (groups.get(verdict) ?? collector.groupOf(name, verdict));
          if (known !== null) groups.set(verdict, known);
          verdicts[number] = known;
        }
        return known;
      });
    }
    case 'host':
      return keep(rows, count, collector, (row) => {
        const host = hosts[row];
        const verdict: Verdict = host === undefined ? { pass: true } : rule.check(host);
        return verdict.pass ? null : collector.groupOf(name, verdict);
      });
    default:
      return rule satisfies never;
  }
}

/** @param reject notes the rejection of a row; false when the row passes after all */
function applyBound(
  bound: BoundRule,
  rows: Int32Array,
  count: number,
  reject: (row: number) => boolean,
  failed: Int32Array,
): number {
  if (bound.only_rows !== undefined) return dropRows(rows, count, bound.only_rows, reject);
  let left = count;
  for (const screen of bound.screens ?? []) left = applyScreen(rows, left, screen, reject, failed);
  if (bound.screens !== undefined) return left;
  let kept = 0;
  for (let index = 0; index < count; index += 1) {
    const row = rows[index] ?? 0;
    if (reject(row)) continue;
    rows[kept] = row;
    kept += 1;
  }
  return kept;
}

/**
 * The loops that ten thousand hosts go through. Whether a host passes is a toss-up to the processor, which is slow where
 * it guesses wrong: both outcomes are written down without a branch, and those that fail are asked why afterwards.
 */
function applyScreen(
  rows: Int32Array,
  count: number,
  screen: Screen,
  reject: (row: number) => boolean,
  failed: Int32Array,
): number {
  const { column } = screen;
  let kept = 0;
  if ('at_least' in screen) {
    const { at_least } = screen;
    for (let index = 0; index < count; index += 1) {
      const row = rows[index] ?? 0;
      failed[index - kept] = row;
      rows[kept] = row;
      kept += Number((column[row] ?? 0) >= at_least);
    }
  } else {
    const { below } = screen;
    for (let index = 0; index < count; index += 1) {
      const row = rows[index] ?? 0;
      failed[index - kept] = row;
      rows[kept] = row;
      kept += Number((column[row] ?? 0) < below);
    }
  }
  for (let index = 0; index < count - kept; index += 1) {
    const row = failed[index] ?? 0;
    if (!reject(row)) throw new Error(`a screen keeps out host ${row}, and its rule has nothing against it`);
  }
  return kept;
}

/** Takes a few rows out of many. Rows are always in ascending order. */
function dropRows(
  rows: Int32Array,
  count: number,
  candidates: readonly number[],
  reject: (row: number) => boolean,
): number {
  let left = count;
  for (const row of candidates.toSorted((one, other) => one - other)) {
    const place = firstAtLeast(rows, left, row);
    if (place === left || rows[place] !== row || !reject(row)) continue;
    rows.copyWithin(place, place + 1, left);
    left -= 1;
  }
  return left;
}

/** The place of the first of `count` ascending rows that is not below this one; `count` when all are. */
function firstAtLeast(rows: Int32Array, count: number, row: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((rows[middle] ?? 0) < row) low = middle + 1;
    else high = middle;
  }
  return low;
}

function keep(
  rows: Int32Array,
  count: number,
  collector: RejectionCollector,
  reject: (row: number) => { readonly group: number; readonly available: number } | null,
): number {
  let kept = 0;
  for (let index = 0; index < count; index += 1) {
    const row = rows[index] ?? 0;
    const rejected = reject(row);
    if (rejected === null) {
      rows[kept] = row;
      kept += 1;
    } else {
      collector.add(row, rejected.group, rejected.available);
    }
  }
  return kept;
}
