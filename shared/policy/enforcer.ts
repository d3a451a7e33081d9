import { DroverError } from '../errors/drover-error.ts';
import type { Logger } from '../logging/logger.ts';
import { alwaysFalse, parseCheck, PolicySyntaxError, type Check } from './check.ts';
import { evaluate, type PolicyCredentials, type PolicyTarget } from './evaluate.ts';
import { fingerprint, readPolicyFiles, type PolicyFileRules } from './policy-files.ts';
import type { PolicyRegistry } from './registry.ts';

export interface PolicyOptions {
  readonly registry: PolicyRegistry;
  /** Absolute paths ([oslo_policy] policy_file, policy_dirs). */
  readonly policy_file: string;
  readonly policy_dirs: readonly string[];
  /** [oslo_policy] policy_default_rule. */
  readonly default_rule: string;
  readonly enforce_new_defaults: boolean;
  readonly log: Logger;
}

/**
 * Decides who may do what: the rules of the code, overridden by the policy files, which are read again when they
 * have changed. A file that is broken while we run keeps the rules as they were; a broken one at the start
 * stops it, because the defaults may allow what the file was to forbid.
 */
export class PolicyEnforcer {
  readonly #options: PolicyOptions;
  #fingerprint = '';
  #checks: ReadonlyMap<string, Check> = new Map();
  readonly #complained = new Set<string>();

  /** @throws DroverError policy_file_invalid */
  constructor(options: PolicyOptions) {
    this.#options = options;
    this.#fingerprint = fingerprint(options.policy_file, options.policy_dirs);
    this.#checks = this.#compile(readPolicyFiles(options.policy_file, options.policy_dirs));
  }

  /** True when the rule lets the caller do this to the target. */
  check(rule: string, target: PolicyTarget, credentials: PolicyCredentials): boolean {
    this.#refresh();
    const lookUp = (name: string) =>
      this.#checks.get(name) ?? this.#checks.get(this.#options.default_rule) ?? null;
    if (!this.#checks.has(rule)) this.#complainOnce(rule);
    const check = lookUp(rule);
    const allowed = check !== null && evaluate(check, target, credentials, lookUp);
    if (!allowed)
      this.#options.log.debug(
        {
          rule,
          target,
          user_id: credentials.user_id,
          project_id: credentials.project_id,
          roles: credentials.roles,
        },
        'policy does not allow it',
      );
    return allowed;
  }

  /**
   * Like `check`, for what must not go on.
   * @throws DroverError policy_forbidden with Nova's text; it names the rule that was asked for, never one it refers to
   */
  authorize(rule: string, target: PolicyTarget, credentials: PolicyCredentials): void {
    if (!this.check(rule, target, credentials)) throw new DroverError('policy_forbidden', { rule });
  }

  #refresh(): void {
    const { policy_file, policy_dirs, log } = this.#options;
    const now = fingerprint(policy_file, policy_dirs);
    if (now === this.#fingerprint) return;
    this.#fingerprint = now;
    try {
      this.#checks = this.#compile(readPolicyFiles(policy_file, policy_dirs));
      log.info({ policy_file }, 'policy files have changed and were read again');
    } catch (error) {
      log.error({ error }, 'policy files have changed but cannot be read; the rules stay as they were');
    }
  }

  #compile(overrides: PolicyFileRules): ReadonlyMap<string, Check> {
    const { registry, enforce_new_defaults, log } = this.#options;
    const checks = new Map<string, Check>();
    for (const rule of registry.all()) {
      const current = parseCheck(rule.default);
      const legacy = enforce_new_defaults || rule.legacy === undefined ? null : parseCheck(rule.legacy);
      checks.set(rule.name, legacy === null ? current : { kind: 'or', checks: [current, legacy] });
    }
    for (const [name, text] of overrides) {
      const check = this.#parseOverride(name, text);
      if (text === null) log.warn({ rule: name }, 'a policy rule without a check allows everybody');
      if (holdsHttp(check))
        log.error(
          { rule: name },
          'a policy rule has an http check, which is not supported and counts as false',
        );
      checks.set(name, check);
    }
    return checks;
  }

  #parseOverride(name: string, text: unknown): Check {
    try {
      return parseCheck(text);
    } catch (error) {
      if (!(error instanceof PolicySyntaxError)) throw error;
      this.#options.log.error(
        { rule: name, reason: error.message },
        'a policy rule cannot be understood and allows nobody',
      );
      return alwaysFalse;
    }
  }

  #complainOnce(rule: string): void {
    if (this.#complained.has(rule)) return;
    this.#complained.add(rule);
    this.#options.log.warn(
      { rule },
      'a policy rule is not declared; the default rule decides, or nobody may',
    );
  }
}

function holdsHttp(check: Check): boolean {
  switch (check.kind) {
    case 'http':
      return true;
    case 'not':
      return holdsHttp(check.check);
    case 'and':
    case 'or':
      return check.checks.some((inner) => holdsHttp(inner));
    case 'true':
    case 'false':
    case 'rule':
    case 'role':
    case 'is_admin':
    case 'generic':
      return false;
    default:
      return check satisfies never;
  }
}
