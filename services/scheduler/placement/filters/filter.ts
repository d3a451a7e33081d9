import { Columns } from '../columns.ts';
import type { HostClass } from '../host-class.ts';
import type { Verdict } from '../decision.ts';
import type { HostState, PlacementRequest } from '../model.ts';
import type { PlacementSettings } from '../settings.ts';

/** What a filter may look at before it sees any host. */
export interface FilterContext {
  readonly request: PlacementRequest;
  readonly settings: PlacementSettings;
}

/** Looks at one host at a time. The form for a site's own filter. */
export interface HostRule {
  readonly reads: 'host';
  readonly check: (host: HostState) => Verdict;
}

/** Looks only at what hosts of one model have in common; asked once per class. */
export interface ClassRule {
  readonly reads: 'class';
  /** When given: a host in no aggregate with this metadata key passes, so a cluster without it need not be asked. */
  readonly metadata_key?: string;
  readonly check: (host: HostClass) => Verdict;
}

/** A reason of a ColumnRule: the verdict without the host's own number. */
export interface ColumnReason {
  readonly code: string;
  readonly message: string;
  readonly asked?: number | string;
  readonly unit?: string;
  /** A text that is the same for all hosts of this reason. */
  readonly available?: string;
  /** Counted by itself, though other reasons have its code. */
  readonly is_apart?: true;
}

/** Looks at numbers in columns: for rules that most decisions need. */
export interface ColumnRule {
  readonly reads: 'columns';
  readonly bind: (columns: Columns) => BoundRule;
}

/** What is said of a row. */
export interface Ground {
  /** Number of the reason: one for all rows, or one per row. */
  readonly reason: number | Uint32Array;
  /** What each host has; null: the reason counts nothing. */
  readonly available: Float64Array | null;
}

/**
 * A comparison of one column with one number, and what is said of the rows that fail: `first` where `column` is below
 * `below`, `otherwise` of the rest. All of it is data, because a call per row is what a decision has no time for.
 */
export type Screen = ({ readonly at_least: number } | { readonly below: number }) & {
  readonly column: Float64Array;
  readonly against: {
    readonly column: Float64Array;
    readonly below: number;
    readonly first: Ground;
    readonly otherwise: Ground;
  };
};

/** A row passes exactly when it passes each of the screens; the first that it fails gives the reason. */
interface Screened {
  readonly screens: readonly Screen[];
}

/** Rows are asked about one by one. */
interface Asked {
  /** When given: the only rows that need to be asked about; all others pass. */
  readonly only_rows?: readonly number[];
  /** Number of the reason against this row's host; -1 when it passes. */
  readonly reason: (row: number) => number;
  /** What the host has; undefined when the reason counts nothing. */
  readonly available: (row: number, reason: number) => number | undefined;
}

export type BoundRule = { readonly reasons: readonly ColumnReason[] } & (Screened | Asked);

export type Rule = HostRule | ClassRule | ColumnRule;

/** One rule about hosts, under the name that operators enable it by. */
export interface Filter {
  readonly name: string;
  /** Called once per decision. Null: this request gives the filter nothing to check, every host passes. */
  readonly prepare: (context: FilterContext) => Rule | null;
}

export const pass: Verdict = { pass: true };

/** The verdict that keeps a host out. Numbers and unit let the decision say what would be enough. */
export function reject(
  code: string,
  message: string,
  numbers: {
    readonly asked?: number | string;
    readonly available?: number | string;
    readonly unit?: string;
  } = {},
): Verdict {
  return { pass: false, code, message, ...numbers };
}

/**
 * Asks a class rule once per distinct value of the part that it reads. A fleet has a thousand classes (racks times models)
 * but few zones and few models, and equal parts are one object in a snapshot.
 */
export function oncePer(
  partOf: (host: HostClass) => unknown,
  check: (host: HostClass) => Verdict,
): (host: HostClass) => Verdict {
  const verdicts = new Map<unknown, Verdict>();
  return (host) => {
    const part = partOf(host);
    let verdict = verdicts.get(part);
    if (verdict === undefined) {
      verdict = check(host);
      verdicts.set(part, verdict);
    }
    return verdict;
  };
}

/** Applies a prepared rule of any form to one host. */
export function checkHost(rule: Rule | null, host: HostState): Verdict {
  if (rule === null) return pass;
  if (rule.reads !== 'columns') return rule.check(host);
  const bound = rule.bind(new Columns([host]));
  const found = rejectionAt(bound, 0);
  if (found === null) return pass;
  const { is_apart: _, ...verdict } = headOf(bound, found.reason);
  const { available } = found;
  return { pass: false, ...verdict, ...(Number.isNaN(available) ? {} : { available }) };
}

/** What a rule has against one row: number of the reason, and what the host has (NaN: nothing is counted). Null: it passes. */
export function rejectionAt(
  bound: BoundRule,
  row: number,
): { readonly reason: number; readonly available: number } | null {
  if (!('screens' in bound)) {
    const reason = bound.reason(row);
    return reason < 0 ? null : { reason, available: bound.available(row, reason) ?? Number.NaN };
  }
  for (const screen of bound.screens) {
    const number = screen.column[row] ?? 0;
    if ('at_least' in screen ? number >= screen.at_least : number < screen.below) continue;
    const { column, below, first, otherwise } = screen.against;
    const { reason, available } = (column[row] ?? 0) < below ? first : otherwise;
    return {
      reason: typeof reason === 'number' ? reason : (reason[row] ?? 0),
      available: available?.[row] ?? Number.NaN,
    };
  }
  return null;
}

/** @throws Error for a rule that gives a reason which it does not have */
export function headOf({ reasons }: BoundRule, reason: number): ColumnReason {
  const head = reasons[reason];
  if (head === undefined) throw new Error(`a rule gives reason ${reason} of ${reasons.length}`);
  return head;
}
