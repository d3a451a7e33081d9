import { createHash } from 'node:crypto';
import type { QueryConfig } from 'pg';

/** Collects the values of one statement and gives their places: `$1`, `$2` … */
export class Parameters {
  readonly values: unknown[] = [];

  /** @returns the value's place, to be written into the statement. */
  add(value: unknown): string {
    this.values.push(value);
    return `$${this.values.length}`;
  }
}

/** Prepared statements per connection are not free either; what is rarer than this many is planned each time. */
const MAX_PREPARED = 400;
const names = new Map<string, string>();

/**
 * A statement that each connection parses once: the joins of a decision cost more to plan than to run.
 * @param text the same text always gets the same name.
 */
export function prepared(text: string, values: unknown[]): QueryConfig {
  const known = names.get(text);
  if (known !== undefined) return { name: known, text, values };
  if (names.size >= MAX_PREPARED) return { text, values };
  const name = createHash('sha256').update(text).digest('hex').slice(0, 24);
  names.set(text, name);
  return { name, text, values };
}
