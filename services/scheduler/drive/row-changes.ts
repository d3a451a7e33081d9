import type { QueryConfig } from 'pg';
import { Parameters, prepared } from './statement.ts';

export type TableName = 'operations' | 'instances' | 'migrations';

/**
 * The rows that one decision changes, gathered so that they are written by ONE statement: each table is a part of it.
 * PostgreSQL writes a row once per statement, so everything about a row is gathered before the statement is built.
 */
export class RowChanges {
  readonly #parameters = new Parameters();
  readonly #keys: Readonly<Record<TableName, readonly [column: string, value: string | null]>>;
  readonly #sets = new Map<TableName, Map<string, string>>();
  readonly #parts: string[] = [];

  /** @param keys which row of each table is meant; null: there is none. */
  constructor(keys: {
    readonly operation: string;
    readonly instance: string;
    readonly migration: string | null;
  }) {
    this.#keys = {
      operations: ['id', keys.operation],
      instances: ['uuid', keys.instance],
      migrations: ['uuid', keys.migration],
    };
  }

  /** Column := value. Undefined values are left out. A column may be set once: a second value is our bug. */
  set(table: TableName, columns: Readonly<Record<string, unknown>>): void {
    for (const [column, value] of Object.entries(columns)) {
      if (value !== undefined) this.setExpression(table, column, this.add(value));
    }
  }

  /** Column := expression. The text is ours; values in it come from `add`. */
  setExpression(table: TableName, column: string, expression: string): void {
    const sets = this.#sets.get(table) ?? new Map<string, string>();
    if (sets.has(column)) throw new Error(`${table}.${column} was set twice in one decision`);
    this.#sets.set(table, sets.set(column, expression));
  }

  /** A further part: an insert, or an update of rows of other tables. */
  part(sql: string): void {
    this.#parts.push(sql);
  }

  /** @returns the value's place in the statement; it must be used in it. */
  add(value: unknown): string {
    return this.#parameters.add(value);
  }

  isEmpty(): boolean {
    return this.#sets.size === 0 && this.#parts.length === 0;
  }

  statement(): QueryConfig {
    const updates: string[] = [];
    for (const [table, sets] of this.#sets) {
      const [column, value] = this.#keys[table];
      if (value === null) throw new Error(`a change of ${table} for an operation that has none`);
      const assignments = [...sets].map(([name, expression]) => `${name} = ${expression}`).join(', ');
      updates.push(
        `update ${table} set ${assignments}, updated_at = now() where ${column} = ${this.add(value)}`,
      );
    }
    const parts = [...updates, ...this.#parts].map((sql, index) => `part_${index} as (${sql})`);
    return prepared(`with ${parts.join(', ')} select`, this.#parameters.values);
  }
}
