import { policyRule } from '../../../shared/policy/base-rules.ts';
import type { PolicyRule } from '../../../shared/policy/registry.ts';

/** Rules of Drover v1. All are the administrator's: they speak of hosts and of other projects' servers. */
export const droverPolicies = {
  migrations: 'drover:migrations:show',
  change_migration: 'drover:migrations:update',
  cancel_migration: 'drover:migrations:cancel',
  pause_migration: 'drover:migrations:pause',
  operations: 'drover:operations:show',
  resume_operation: 'drover:operations:resume',
  resolve_operation: 'drover:operations:resolve',
  hosts: 'drover:hosts:show',
  metrics: 'drover:metrics:show',
  decisions: 'drover:decisions:show',
  dry_run: 'drover:decisions:create',
  dump: 'drover:cluster:show',
} as const;

const P = '/drover/v1';

export const droverPolicyRules: readonly PolicyRule[] = [
  policyRule(droverPolicies.migrations, 'admin', 'See migrations with their steps and progress', [
    `GET ${P}/migrations`,
    `GET ${P}/migrations/{migration}`,
  ]),
  policyRule(
    droverPolicies.change_migration,
    'admin',
    'Change the rate and the priority of a running migration; ask for one with a priority',
    [`PUT ${P}/migrations/{migration}`, `POST ${P}/migrations`],
  ),
  policyRule(droverPolicies.cancel_migration, 'admin', 'Stop a migration and give the server back', [
    `POST ${P}/migrations/{migration}/cancel`,
  ]),
  policyRule(droverPolicies.pause_migration, 'admin', 'Let a migration stand still, and go on', [
    `POST ${P}/migrations/{migration}/pause`,
    `POST ${P}/migrations/{migration}/unpause`,
  ]),
  policyRule(droverPolicies.operations, 'admin', 'See operations, the stuck ones above all', [
    `GET ${P}/operations`,
  ]),
  policyRule(droverPolicies.resolve_operation, 'admin', 'Count the step of a stuck operation as done', [
    `POST ${P}/operations/{operation}/resolve`,
  ]),
  policyRule(droverPolicies.resume_operation, 'admin', 'Order a stuck operation to go on', [
    `POST ${P}/operations/{operation}/resume`,
  ]),
  policyRule(droverPolicies.hosts, 'admin', 'See hosts with their capacity and use', [`GET ${P}/hosts`]),
  policyRule(droverPolicies.metrics, 'admin', 'Read the metrics of the cluster and the api', [
    `GET ${P}/metrics`,
  ]),
  policyRule(droverPolicies.decisions, 'admin', 'See why a host was chosen or not', [
    `GET ${P}/decisions`,
    `GET ${P}/decisions/{decision}`,
  ]),
  policyRule(droverPolicies.dry_run, 'admin', 'Ask where servers would go, and why not to a host', [
    `POST ${P}/decisions`,
    `GET ${P}/hosts/{host}/explain`,
  ]),
  policyRule(droverPolicies.dump, 'admin', 'Read the cluster as placement sees it', [`GET ${P}/cluster`]),
];
