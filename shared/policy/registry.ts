import { parseCheck } from './check.ts';

/** One thing that a rule stands for, for the sample file and for people. */
export interface PolicyOperation {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'PATCH';
  /** `/servers/{server_id}/action (migrate)` */
  readonly path: string;
}

/** A rule in code: its default holds unless policy.yaml names it. */
export interface PolicyRule {
  readonly name: string;
  readonly default: string;
  /**
   * The default of earlier releases. As in Nova's Zed it passes as well, unless `enforce_new_defaults` is on or the
   * rule is overridden in the file.
   */
  readonly legacy?: string;
  readonly description: string;
  readonly operations: readonly PolicyOperation[];
}

/** Rules that exist, by name. A plain value that main.ts builds and hands to the enforcer and the generator. */
export class PolicyRegistry {
  readonly #rules = new Map<string, PolicyRule>();

  /** Adds rules. The same rule twice with another default is a mistake in the program. */
  declare(rules: Iterable<PolicyRule>): this {
    for (const rule of rules) {
      const known = this.#rules.get(rule.name);
      if (known !== undefined && (known.default !== rule.default || known.legacy !== rule.legacy))
        throw new Error(`policy rule ${rule.name} is declared twice with different defaults`);
      parseCheck(rule.default);
      parseCheck(rule.legacy ?? '');
      this.#rules.set(rule.name, rule);
    }
    return this;
  }

  get(name: string): PolicyRule | undefined {
    return this.#rules.get(name);
  }

  /** In the order of their declaration. */
  all(): readonly PolicyRule[] {
    return [...this.#rules.values()];
  }
}
