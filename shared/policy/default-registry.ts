import { baseRules } from './base-rules.ts';
import { novaRules } from './nova/rules.ts';
import { PolicyRegistry, type PolicyRule } from './registry.ts';

/** A registry with Nova's rules and further ones (Drover's own). */
export function createPolicyRegistry(further: Iterable<PolicyRule> = []): PolicyRegistry {
  return new PolicyRegistry().declare(baseRules).declare(novaRules).declare(further);
}
