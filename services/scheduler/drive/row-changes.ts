import type { QueryConfig } from 'pg';
import { Parameters, prepared } from './statement.ts';

export type TableName = 'operations' | 'instances' | 'migrations';

/** A part of the statement beside the updates of the rows themselves. Texts are ours; values in them come from `add`. */
export type Part =
  | { readonly insert_into: string; readonly select: string }
  | { readonly update: string; readonly set: string; readonly from: string; readonly where: string };

/**
 * Types of the columns that decisions made together write: a statement for many rows must say what its values are. A
 * decision that writes another column costs a statement of its own and no more.
 */
const columnTypes: Readonly<Record<string, string>> = {
  'operations.state': 'text',
  'operations.step': 'text',
  'operations.step_state': 'text',
  'operations.attempt': 'integer',
  'operations.recoveries': 'integer',
  'operations.facts': 'jsonb',
  'operations.turn': 'text',
  'operations.turn_tag': 'bigint',
  'operations.lease_owner': 'text',
  'operations.fencing': 'bigint',
  'instances.vm_state': 'text',
  'instances.task_state': 'text',
  'migrations.status': 'text',
  'migrations.phase': 'text',
  'migrations.dest_compute': 'text',
  'migrations.dest_node': 'text',
  'migrations.dest_host': 'text',
  'migrations.decision_id': 'uuid',
};

/**
 * The rows that one decision changes, gathered so that they are written by ONE statement: each table is a part of it.
 * PostgreSQL writes a row once per statement, so everything about a row is gathered before the statement is built.
 */
export class RowChanges {
  readonly #parameters = new Parameters();
  readonly #types: Array<string | null> = [];
  readonly #keys: Readonly<Record<TableName, readonly [column: string, value: string | null]>>;
  readonly #sets = new Map<TableName, Map<string, string>>();
  readonly #parts: Array<Part | string> = [];

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
      if (value === undefined) continue;
      this.setExpression(table, column, this.add(value, columnTypes[`${table}.${column}`] ?? null));
    }
  }

  /** Column := expression. The text is ours; values in it come from `add`. */
  setExpression(table: TableName, column: string, expression: string): void {
    const sets = this.#sets.get(table) ?? new Map<string, string>();
    if (sets.has(column)) throw new Error(`${table}.${column} was set twice in one decision`);
    this.#sets.set(table, sets.set(column, expression));
  }

  /** A further part: an insert, or an update of rows of other tables. As plain SQL it is never joined with others. */
  part(part: Part | string): void {
    this.#parts.push(part);
  }

  /**
   * @param type of PostgreSQL; `jsonb`: the value is its text. Null: then the statement is never joined with others.
   * @returns the value's place in the statement; it must be used in it.
   */
  add(value: unknown, type: string | null = null): string {
    this.#types.push(type);
    return this.#parameters.add(value);
  }

  isEmpty(): boolean {
    return this.#sets.size === 0 && this.#parts.length === 0;
  }

  statement(): QueryConfig {
    const parts = this.#allParts().map((part) => {
      if (typeof part === 'string') return part;
      if ('insert_into' in part) return `insert into ${part.insert_into} ${part.select}`;
      const from = part.from === '' ? '' : ` from ${part.from}`;
      return `update ${part.update} set ${part.set}${from} where ${part.where}`;
    });
    return prepared(`with ${named(parts)} select`, this.#parameters.values);
  }

  /** The same for any number of decisions of this form; null when some part or value stands in the way. */
  joinable(): { readonly text: string; readonly row: object } | null {
    const parts: string[] = [];
    for (const part of this.#allParts()) {
      if (typeof part === 'string') return null;
      parts.push(
        'insert_into' in part
          ? `insert into ${part.insert_into} select x.* from r cross join lateral (${part.select}) x`
          : `update ${part.update} set ${part.set} from r${part.from === '' ? '' : ` cross join ${part.from}`} where ${part.where}`,
      );
    }
    const columns = this.#types.map((type, index) =>
      type === null ? null : `p${index + 1} ${type === 'jsonb' ? 'text' : type}`,
    );
    if (columns.includes(null)) return null;
    const ofRow = named(parts).replaceAll(/\$(\d+)/g, (_place, number: string) =>
      this.#types[Number(number) - 1] === 'jsonb' ? `r.p${number}::jsonb` : `r.p${number}`,
    );
    return {
      text: `with r as materialized (select * from jsonb_to_recordset($1::jsonb) as r(${columns.join(', ')})), ${ofRow} select`,
      row: Object.fromEntries(this.#parameters.values.map((value, index) => [`p${index + 1}`, value])),
    };
  }

  /** Called once the changes are complete: the keys take their places behind all other values. */
  #allParts(): ReadonlyArray<Part | string> {
    const updates: Part[] = [];
    for (const [table, sets] of this.#sets) {
      const [column, value] = this.#keys[table];
      if (value === null) throw new Error(`a change of ${table} for an operation that has none`);
      const assignments = [...sets].map(([name, expression]) => `${name} = ${expression}`).join(', ');
      updates.push({
        update: table,
        set: `${assignments}, updated_at = now()`,
        from: '',
        where: `${column} = ${this.add(value, 'uuid')}`,
      });
    }
    this.#sets.clear();
    this.#parts.unshift(...updates);
    return this.#parts;
  }
}

function named(parts: readonly string[]): string {
  return parts.map((sql, index) => `part_${index} as (${sql})`).join(', ');
}

/** Statements that write all of these: those of one form become one. */
export function joinedStatements(all: readonly RowChanges[]): QueryConfig[] {
  if (all.length === 1) return all.map((rows) => rows.statement());
  const statements: QueryConfig[] = [];
  const rows_by_text = new Map<string, object[]>();
  for (const rows of all) {
    const form = rows.joinable();
    if (form === null) statements.push(rows.statement());
    else rows_by_text.set(form.text, [...(rows_by_text.get(form.text) ?? []), form.row]);
  }
  for (const [text, rows] of rows_by_text) statements.push(prepared(text, [JSON.stringify(rows)]));
  return statements;
}
