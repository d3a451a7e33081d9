import type { Columns, NumberColumn } from '../columns.ts';
import { aggregateMinimum } from './aggregate-metadata.ts';
import type { ColumnRule } from './filter.ts';

/** What a limit filter counts, and its words. */
export interface Limit {
  readonly column: NumberColumn;
  readonly code: string;
  /** May hold `{available}`: how many there are. */
  readonly message: string;
}

/** A host passes while it has fewer than `limit`. */
export function fewerThan({ column, code, message }: Limit, limit: number): ColumnRule {
  return {
    reads: 'columns',
    bind: (columns) => {
      const numbers = columns.number(column);
      const ground = { reason: 0, available: numbers };
      const against = { column: numbers, below: limit, first: ground, otherwise: ground };
      return {
        reasons: [{ code, message, asked: limit }],
        screens: [{ column: numbers, below: limit, against }],
      };
    },
  };
}

/** The same with the least limit that the host's aggregates name under `key`. */
export function fewerThanInAggregates(limit: Limit, key: string, fallback: number): ColumnRule {
  return {
    reads: 'columns',
    bind: (columns: Columns) => {
      if (!columns.classes.hasMetadata(key)) return fewerThan(limit, fallback).bind(columns);
      const numbers = columns.number(limit.column);
      const limit_of_class = columns.classes.all.map((host) => aggregateMinimum(host, key, fallback));
      // One reason per limit that occurs, since `asked` is part of a reason.
      const limits = [...new Set(limit_of_class)];
      const reason_of_class = limit_of_class.map((value) => limits.indexOf(value));
      return {
        reasons: limits.map((asked) => ({ code: limit.code, message: limit.message, asked })),
        reason: (row) => {
          const host_class = columns.host_class[row] ?? 0;
          return (numbers[row] ?? 0) < (limit_of_class[host_class] ?? fallback)
            ? -1
            : (reason_of_class[host_class] ?? 0);
        },
        available: (row) => numbers[row],
      };
    },
  };
}
