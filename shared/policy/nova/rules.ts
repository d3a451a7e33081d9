import type { PolicyRule } from '../registry.ts';
import { groupAndFlavorRules } from './group-and-flavor-rules.ts';
import { hostRules } from './host-rules.ts';
import { migrationRules } from './migration-rules.ts';
import { projectRules } from './project-rules.ts';
import { serverPartRules } from './server-part-rules.ts';
import { serverRules } from './server-rules.ts';
import { serverStateRules } from './server-state-rules.ts';

/**
 * Nova's rules with the defaults of Zed (facts document, section 8.1). All of them, not only those that a route of
 * ours asks for, so that a policy file written for Nova names no rule that does not exist.
 */
export const novaRules: readonly PolicyRule[] = [
  ...serverRules,
  ...migrationRules,
  ...serverStateRules,
  ...serverPartRules,
  ...hostRules,
  ...groupAndFlavorRules,
  ...projectRules,
];
