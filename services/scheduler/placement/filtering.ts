import type { Columns, Scratch } from './columns.ts';
import {
  headOf,
  pass,
  type BoundRule,
  type ClassRule,
  type Filter,
  type FilterContext,
  type Rule,
  type Screen,
} from './filters/filter.ts';
import type { Rejections, Verdict } from './decision.ts';
import type { HostState } from './model.ts';
import { RejectionCollector, type Reject } from './rejections.ts';

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
    case 'columns':
      return applyBound(rule.bind(columns), name, rows, count, collector, failed);
    case 'class':
      if (rule.metadata_key !== undefined && !columns.classes.hasMetadata(rule.metadata_key)) return count;
      return applyClassRule(rule, name, rows, count, columns, collector);
    case 'host':
      return keep(rows, count, (row) => {
        const host = hosts[row];
        const verdict: Verdict = host === undefined ? pass : rule.check(host);
        if (verdict.pass) return true;
        const { group, available } = collector.groupOf(name, verdict);
        collector.add(row, group, available);
        return false;
      });
    default:
      return rule satisfies never;
  }
}

const classStanding = { unasked: 0, passes: 1, rejected: 2 } as const;

/** One verdict per class of hosts that occurs. Mostly each passes, and the rows need no second look. */
function applyClassRule(
  rule: ClassRule,
  name: string,
  rows: Int32Array,
  count: number,
  { classes, host_class }: Columns,
  collector: RejectionCollector,
): number {
  const standings = new Uint8Array(classes.all.length);
  const rejections: Array<Reject | undefined> = [];
  let rejected = 0;
  // Only the classes that occur: a rule may not be able to answer for a host that an earlier filter left out.
  for (let index = 0; index < count; index += 1) {
    const number = host_class[rows[index] ?? 0] ?? 0;
    if (standings[number] !== classStanding.unasked) continue;
    const described = classes.all[number];
    const verdict: Verdict = described === undefined ? pass : rule.check(described);
    standings[number] = verdict.pass ? classStanding.passes : classStanding.rejected;
    if (verdict.pass) continue;
    rejections[number] = verdict;
    rejected += 1;
  }
  if (rejected === 0) return count;
  const groups = new Map<Reject, { readonly group: number; readonly available: number }>();
  return keep(rows, count, (row) => {
    const number = host_class[row] ?? 0;
    if (standings[number] === classStanding.passes) return true;
    const verdict = rejections[number];
    if (verdict === undefined) return true;
    let known = groups.get(verdict);
    if (known === undefined) groups.set(verdict, (known = collector.groupOf(name, verdict)));
    collector.add(row, known.group, known.available);
    return false;
  });
}

function applyBound(
  bound: BoundRule,
  name: string,
  rows: Int32Array,
  count: number,
  collector: RejectionCollector,
  failed: Int32Array,
): number {
  const groups: number[] = [];
  // A reason that nobody meets opens no group.
  const groupOf = (reason: number): number =>
    groups[reason] ?? (groups[reason] = collector.open({ filter: name, ...headOf(bound, reason) }));
  if ('screens' in bound) {
    let left = count;
    for (const screen of bound.screens) {
      const kept = applyScreen(rows, left, screen, failed);
      addGrounds(failed, left - kept, screen.against, groupOf, collector);
      left = kept;
    }
    return left;
  }
  const passes = (row: number): boolean => {
    const reason = bound.reason(row);
    if (reason < 0) return true;
    collector.add(row, groupOf(reason), bound.available(row, reason) ?? Number.NaN);
    return false;
  };
  return bound.only_rows === undefined
    ? keep(rows, count, passes)
    : dropRows(rows, count, bound.only_rows, passes);
}

/** Says of the first `count` of these rows what is against them. */
function addGrounds(
  rows: Int32Array,
  count: number,
  { column, below, first, otherwise }: Screen['against'],
  groupOf: (reason: number) => number,
  collector: RejectionCollector,
): void {
  for (let index = 0; index < count; index += 1) {
    const row = rows[index] ?? 0;
    const { reason, available } = (column[row] ?? 0) < below ? first : otherwise;
    const group = groupOf(typeof reason === 'number' ? reason : (reason[row] ?? 0));
    collector.add(row, group, available === null ? Number.NaN : (available[row] ?? 0));
  }
}

/**
 * The loops that ten thousand hosts go through. Whether a host passes is a toss-up to the processor, which is slow where
 * it guesses wrong: both outcomes are written down without a branch.
 * @param failed where the rows that do not pass are left
 * @returns how many pass
 */
function applyScreen(rows: Int32Array, count: number, screen: Screen, failed: Int32Array): number {
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
  return kept;
}

/** Takes a few rows out of many. Rows are always in ascending order. */
function dropRows(
  rows: Int32Array,
  count: number,
  candidates: readonly number[],
  passes: (row: number) => boolean,
): number {
  let left = count;
  for (const row of candidates.toSorted((one, other) => one - other)) {
    const place = firstAtLeast(rows, left, row);
    if (place === left || rows[place] !== row || passes(row)) continue;
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

function keep(rows: Int32Array, count: number, passes: (row: number) => boolean): number {
  let kept = 0;
  for (let index = 0; index < count; index += 1) {
    const row = rows[index] ?? 0;
    if (!passes(row)) continue;
    rows[kept] = row;
    kept += 1;
  }
  return kept;
}
