/**
 * The language of oslo.policy, parsed. Grammar (keywords in any case):
 *
 *   or    := and { "or" and }            and   := unary { "and" unary }
 *   unary := "not" unary | "(" or ")" | atom
 *   atom  := "@" | "!" | kind ":" match
 *
 * An empty text is always true. The older form is a list: its items are alternatives (or), a list within is a
 * conjunction (and). A text that does not parse makes the whole rule false: never a part of it, for `not nonsense`
 * would then be true.
 */
export type Check =
  | { readonly kind: 'true' }
  | { readonly kind: 'false' }
  | { readonly kind: 'not'; readonly check: Check }
  | { readonly kind: 'and' | 'or'; readonly checks: readonly Check[] }
  | { readonly kind: 'rule'; readonly name: string }
  | { readonly kind: 'role'; readonly match: string }
  | { readonly kind: 'is_admin'; readonly expected: boolean }
  | { readonly kind: 'http'; readonly url: string }
  /** `left` is a credential's path, or a literal; `match` may hold `%(key)s`, filled from the target. */
  | { readonly kind: 'generic'; readonly left: Left; readonly match: string };

export type Left = { readonly path: readonly string[] } | { readonly literal: string };

/** What is wrong with a rule's text, for the log. */
export class PolicySyntaxError extends Error {}

export const alwaysTrue: Check = { kind: 'true' };
export const alwaysFalse: Check = { kind: 'false' };

/**
 * Parses a rule as it stands in a policy file: a text, or the older list of lists.
 * @throws PolicySyntaxError
 */
export function parseCheck(rule: unknown): Check {
  if (rule === null || rule === undefined) return alwaysTrue;
  if (typeof rule === 'string') return parseText(rule);
  if (Array.isArray(rule)) return parseList(rule);
  throw new PolicySyntaxError('a rule is a text, or a list of lists of texts');
}

function parseList(rule: readonly unknown[]): Check {
  if (rule.length === 0) return alwaysTrue;
  const alternatives = rule
    .map((inner) => (typeof inner === 'string' ? [inner] : inner))
    .filter((inner) => !Array.isArray(inner) || inner.length > 0)
    .map((inner) => {
      if (!Array.isArray(inner) || !inner.every((item) => typeof item === 'string'))
        throw new PolicySyntaxError('a list rule holds texts, or lists of texts');
      return join(
        'and',
        inner.map((item) => parseAtom(item.trim())),
      );
    });
  return alternatives.length === 0 ? alwaysFalse : join('or', alternatives);
}

function parseText(text: string): Check {
  const tokens = tokenize(text);
  if (tokens.length === 0) return alwaysTrue;
  const parser = new Parser(tokens);
  const check = parser.or();
  parser.end();
  return check;
}

/** Brackets at the ends of a word are brackets; those within one belong to it: `%(project_id)s`. */
function tokenize(text: string): readonly string[] {
  return text
    .split(/\s+/)
    .filter((word) => word !== '')
    .flatMap((word) => {
      const opening = /^\(*/.exec(word)?.[0] ?? '';
      const rest = word.slice(opening.length);
      const closing = /\)*$/.exec(rest)?.[0] ?? '';
      const core = rest.slice(0, rest.length - closing.length);
      return [...opening.split(''), ...(core === '' ? [] : [core]), ...closing.split('')];
    });
}

class Parser {
  #position = 0;
  readonly #tokens: readonly string[];

  constructor(tokens: readonly string[]) {
    this.#tokens = tokens;
  }

  or(): Check {
    const checks = [this.#and()];
    while (this.#accept('or')) checks.push(this.#and());
    return join('or', checks);
  }

  end(): void {
    const token = this.#tokens[this.#position];
    if (token !== undefined) throw new PolicySyntaxError(`"${token}" is not expected here`);
  }

  #and(): Check {
    const checks = [this.#unary()];
    while (this.#accept('and')) checks.push(this.#unary());
    return join('and', checks);
  }

  #unary(): Check {
    if (this.#accept('not')) return { kind: 'not', check: this.#unary() };
    if (this.#accept('(')) {
      const check = this.or();
      if (!this.#accept(')')) throw new PolicySyntaxError('a bracket is not closed');
      return check;
    }
    const token = this.#tokens[this.#position];
    if (token === undefined) throw new PolicySyntaxError('the rule ends too early');
    this.#position += 1;
    return parseAtom(token);
  }

  #accept(word: string): boolean {
    if (this.#tokens[this.#position]?.toLowerCase() !== word) return false;
    this.#position += 1;
    return true;
  }
}

function parseAtom(text: string): Check {
  if (text === '@') return alwaysTrue;
  if (text === '!') return alwaysFalse;
  const colon = text.indexOf(':');
  if (colon < 1) throw new PolicySyntaxError(`"${text}" is no check: it should be kind:match`);
  const kind = text.slice(0, colon);
  const match = text.slice(colon + 1);
  switch (kind) {
    case 'rule':
      return { kind, name: match };
    case 'role':
      return { kind, match };
    case 'is_admin':
      return { kind, expected: match.toLowerCase() === 'true' };
    case 'http':
    case 'https':
      return { kind: 'http', url: text };
    default:
      return { kind: 'generic', left: parseLeft(kind), match };
  }
}

function parseLeft(text: string): Left {
  const quoted = /^(['"])(.*)\1$/.exec(text)?.[2];
  if (quoted !== undefined) return { literal: quoted };
  if (/^[+-]?\d+$/.test(text)) return { literal: String(BigInt(text)) };
  if (/^[+-]?\d*\.\d+$/.test(text)) return { literal: String(Number(text)) };
  if (['True', 'False', 'None'].includes(text)) return { literal: text };
  return { path: text.split('.') };
}

function join(kind: 'and' | 'or', checks: readonly Check[]): Check {
  return checks.length === 1 && checks[0] !== undefined ? checks[0] : { kind, checks };
}
