/** Collects conditions and their parameters while a query is put together; values never enter the text. */
export interface ConditionList {
  readonly parameters: unknown[];
  readonly conditions: string[];
  /** Adds a parameter and answers its place, `$n`. */
  place(value: unknown): string;
  add(condition: string): void;
}

/** @param parameters those that the query's fixed part uses already. */
export function conditionList(parameters: readonly unknown[]): ConditionList {
  const all = [...parameters];
  const conditions: string[] = [];
  return {
    parameters: all,
    conditions,
    place(value) {
      all.push(value);
      return `$${all.length}`;
    },
    add(condition) {
      conditions.push(condition);
    },
  };
}

/** One column of an order, for `order by` and for "after the marker". */
export interface SortColumn {
  readonly expression: (row: string) => string;
  readonly direction: 'asc' | 'desc';
}

/** `order by` with absent values smallest, as MySQL and so Nova has it. */
export function orderBy(columns: readonly SortColumn[], row: string): string {
  return columns
    .map(({ expression, direction }) =>
      direction === 'asc' ? `${expression(row)} asc nulls first` : `${expression(row)} desc nulls last`,
    )
    .join(', ');
}

/**
 * Condition "row comes after marker in this order". Compared inside the database, so that times keep their
 * microseconds: as JavaScript dates they would lose them and rows of one millisecond would be skipped.
 */
export function afterMarker(columns: readonly SortColumn[], row: string, marker: string): string {
  const alternatives = columns.map(({ expression, direction }, index) => {
    const before = columns
      .slice(0, index)
      .map((column) => `${column.expression(row)} is not distinct from ${column.expression(marker)}`);
    const here = expression(row);
    const there = expression(marker);
    const after =
      direction === 'asc'
        ? `(${here} > ${there} or (${there} is null and ${here} is not null))`
        : `(${here} < ${there} or (${here} is null and ${there} is not null))`;
    return `(${[...before, after].join(' and ')})`;
  });
  return `(${alternatives.join(' or ')})`;
}

interface DatabaseError {
  readonly code?: unknown;
}

/** PostgreSQL's code for a pattern that is no regular expression. */
export function isInvalidPattern(error: unknown): boolean {
  return (error as DatabaseError | null)?.code === '2201B';
}

/** PostgreSQL's code for a value that a unique index has already; with the index's name where asked. */
export function isUniqueViolation(error: unknown, index?: string): boolean {
  const found = error as { code?: unknown; constraint?: unknown } | null;
  return found?.code === '23505' && (index === undefined || found.constraint === index);
}
