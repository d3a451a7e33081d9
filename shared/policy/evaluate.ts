import type { Check, Left } from './check.ts';

/** Who asks. Further fields may be named in rules by their path. */
export interface PolicyCredentials {
  readonly user_id: string;
  readonly project_id: string;
  readonly roles: readonly string[];
  /** Nova's `is_admin`: the caller passes `context_is_admin`. */
  readonly is_admin: boolean;
}

/** What is asked about; usually the project (and user) that the server belongs to. */
export type PolicyTarget = Readonly<Record<string, unknown>>;

/** Finds a rule; null: there is none, and no default either. */
export type RuleLookup = (name: string) => Check | null;

const REFERENCES_MAX = 64;

/**
 * Answers a check. Whatever is missing (a credential, a key of the target, a rule) is false, and so are rules that
 * go round in a circle and http checks, which Drover does not make.
 */
export function evaluate(
  check: Check,
  target: PolicyTarget,
  credentials: PolicyCredentials,
  lookUp: RuleLookup,
  references = 0,
): boolean {
  const again = (inner: Check, depth = references) => evaluate(inner, target, credentials, lookUp, depth);
  switch (check.kind) {
    case 'true':
      return true;
    case 'false':
    case 'http':
      return false;
    case 'not':
      return !again(check.check);
    case 'and':
      return check.checks.every((inner) => again(inner));
    case 'or':
      return check.checks.some((inner) => again(inner));
    case 'rule': {
      const rule = references < REFERENCES_MAX ? lookUp(check.name) : null;
      return rule !== null && again(rule, references + 1);
    }
    case 'role': {
      const role = fill(check.match, target)?.toLowerCase();
      return role !== undefined && credentials.roles.some((own) => own.toLowerCase() === role);
    }
    case 'is_admin':
      return credentials.is_admin === check.expected;
    case 'generic': {
      const match = fill(check.match, target);
      return match !== null && matches(check.left, match, credentials);
    }
    default:
      return check satisfies never;
  }
}

function matches(left: Left, match: string, credentials: PolicyCredentials): boolean {
  return 'literal' in left ? left.literal === match : findInside(credentials, left.path, match);
}

/** Follows a path into the credentials; a list on the way matches when one of its elements does. */
function findInside(value: unknown, path: readonly string[], match: string): boolean {
  if (Array.isArray(value)) return value.some((element) => findInside(element, path, match));
  const [key, ...rest] = path;
  if (key === undefined) return asPython(value) === match;
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return false;
  return findInside((value as Record<string, unknown>)[key], rest, match);
}

/** Puts the target's values into `%(key)s`; null when one is missing or null: nobody owns what has no owner. */
function fill(match: string, target: PolicyTarget): string | null {
  let missing = false;
  const filled = match.replaceAll(/%\(([^)]+)\)s/g, (_place, key: string) => {
    const value = Object.hasOwn(target, key) ? target[key] : follow(target, key.split('.'));
    if (value === undefined || value === null) missing = true;
    return asPython(value);
  });
  return missing ? null : filled.replaceAll('%%', '%');
}

function follow(value: unknown, path: readonly string[]): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  return follow((value as Record<string, unknown>)[key], rest);
}

/** Rules were written against Python's texts of values: True, False, None. */
function asPython(value: unknown): string {
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'string') return value;
  if (value === null || value === undefined) return 'None';
  return JSON.stringify(value);
}
