import type { Verdict } from '../decision.ts';
import type { HostState } from '../model.ts';
import { pass, reject, type Filter } from './filter.ts';
import { hostAttribute } from './host-attributes.ts';

type Comparison = (left: string | number, right: string | number) => boolean;
const comparisons: Readonly<Record<string, Comparison>> = {
  '=': (left, right) => left === right,
  '<': (left, right) => left < right,
  '>': (left, right) => left > right,
  '<=': (left, right) => left <= right,
  '>=': (left, right) => left >= right,
};

/** A query nested deeper than this cannot be meant; it would only exhaust the stack. */
const depthLimit = 32;

/**
 * The hint `query`: a JSON expression over the host's attributes, such as `[">=", "$free_ram_mb", 1024]`, with
 * `= < > <= >= in not and or`. A query that cannot be read rejects every host and says so.
 */
export const JsonFilter: Filter = {
  name: 'JsonFilter',
  prepare: ({ request }) => {
    const hint = request.hints['query'];
    const text: unknown =
      Array.isArray(hint) && typeof hint[0] === 'string' && hint.length === 1 ? hint[0] : hint;
    if (text === undefined || text === null || text === '') return null;
    const query = typeof text === 'string' ? parse(text) : text;
    const unreadable = problemOf(query, 0);
    if (unreadable !== null) {
      const verdict = reject('query_unreadable', `the hint query cannot be read: ${unreadable}`);
      return { reads: 'class', check: () => verdict };
    }
    const asked = JSON.stringify(query);
    const check = (host: HostState): Verdict =>
      truth(evaluate(query, host))
        ? pass
        : reject('query_false', 'does not satisfy the hint query {asked}', { asked });
    return { reads: 'host', check };
  },
};

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function problemOf(query: unknown, depth: number): string | null {
  if (depth > depthLimit) return `it is nested deeper than ${depthLimit}`;
  if (!Array.isArray(query)) return depth === 0 ? 'it is not a JSON list' : null;
  if (query.length === 0) return null;
  const [operator, ...operands]: unknown[] = query;
  if (
    typeof operator !== 'string' ||
    !(Object.hasOwn(comparisons, operator) || ['in', 'not', 'and', 'or'].includes(operator))
  ) {
    return `${JSON.stringify(operator)} is not one of = < > <= >= in not and or`;
  }
  for (const operand of operands) {
    const problem = Array.isArray(operand) ? problemOf(operand, depth + 1) : null;
    if (problem !== null) return problem;
  }
  return null;
}

function evaluate(query: unknown, host: HostState): unknown {
  if (!Array.isArray(query)) return operandOf(query, host);
  if (query.length === 0) return true;
  const [operator, ...operands]: unknown[] = query;
  // Operands that the host has no value for are left out, as in Nova.
  const values = operands.map((operand) => evaluate(operand, host)).filter((value) => value !== undefined);
  switch (operator) {
    case 'and':
      return values.every(truth);
    case 'or':
      return values.some(truth);
    case 'not':
      return values.map((value) => !truth(value));
    case 'in':
      return values.length > 1 && values.slice(1).some((value) => value === values[0]);
    default: {
      const compare = comparisons[String(operator)];
      const [first, ...others] = values;
      return (
        compare !== undefined &&
        others.length > 0 &&
        others.every((other) => comparable(first) && comparable(other) && compare(first, other))
      );
    }
  }
}

function comparable(value: unknown): value is string | number {
  return typeof value === 'string' || typeof value === 'number';
}

function operandOf(operand: unknown, host: HostState): unknown {
  if (operand === null || operand === '') return undefined;
  if (typeof operand !== 'string' || !operand.startsWith('$')) return operand;
  return hostAttribute(host, operand.slice(1).split('.'));
}

/** A list of answers, as `not` gives, is true when any of them is. */
function truth(value: unknown): boolean {
  return Array.isArray(value) ? value.some(truth) : Boolean(value);
}
