import { droverPolicyRules } from '../../services/api/drover/policies.ts';
import { createPolicyRegistry } from '../../shared/policy/default-registry.ts';
import type { PolicyRule } from '../../shared/policy/registry.ts';
import { wrap } from './text.ts';

const OPENING = `Every policy rule with its default. Write only those that are to differ into your policy.yaml; it is read again when it changes.

Generated from the declared rules by scripts/generate: change them there.

The language is oslo.policy's: role:x, rule:x, key:%(target_key)s, @ (everybody), ! (nobody), not, and, or, brackets.`;

/** The text of etc/policy.yaml: all comments, so that it can be installed as it is. */
export function samplePolicy(): string {
  const opening = OPENING.split('\n').flatMap((line) => wrap(line, '# '));
  const rules = createPolicyRegistry(droverPolicyRules)
    .all()
    .map((rule) => sampleRule(rule));
  return `${[opening.join('\n'), ...rules].join('\n\n')}\n`;
}

function sampleRule(rule: PolicyRule): string {
  return [
    ...wrap(rule.description, '# '),
    ...rule.operations.map((operation) => `# ${operation.method} ${operation.path}`),
    ...(rule.legacy === undefined
      ? []
      : [`# Unless enforce_new_defaults is on, this passes as well: ${rule.legacy}`]),
    `#"${rule.name}": "${rule.default}"`,
  ].join('\n');
}
