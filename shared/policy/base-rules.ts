import type { PolicyOperation, PolicyRule } from './registry.ts';

/** The rules that Nova's other rules are built of (facts document, section 8.1). */
export const baseRules: readonly PolicyRule[] = [
  base('context_is_admin', 'role:admin', 'Who is an administrator.'),
  base(
    'admin_or_owner',
    'is_admin:True or project_id:%(project_id)s',
    'Older default: any role in the project.',
  ),
  base('admin_api', 'is_admin:True', 'Older default of what only administrators may do.'),
  base('project_member_api', 'role:member and project_id:%(project_id)s', 'Member of the project.'),
  base('project_reader_api', 'role:reader and project_id:%(project_id)s', 'Reader of the project.'),
  base(
    'project_member_or_admin',
    'rule:project_member_api or rule:context_is_admin',
    'Member of the project, or administrator.',
  ),
  base(
    'project_reader_or_admin',
    'rule:project_reader_api or rule:context_is_admin',
    'Reader of the project, or administrator.',
  ),
];

function base(name: string, check: string, description: string): PolicyRule {
  return { name, default: check, description, operations: [] };
}

/** Who may, in the words of the rules' tables. */
export type Audience =
  'admin' | 'member_or_admin' | 'reader_or_admin' | 'owner_or_admin' | 'anybody' | 'nobody';

const audiences: Readonly<Record<Audience, { readonly default: string; readonly legacy?: string }>> = {
  admin: { default: 'rule:context_is_admin', legacy: 'rule:admin_api' },
  member_or_admin: { default: 'rule:project_member_or_admin', legacy: 'rule:admin_or_owner' },
  reader_or_admin: { default: 'rule:project_reader_or_admin', legacy: 'rule:admin_or_owner' },
  owner_or_admin: { default: '(rule:context_is_admin) or user_id:%(user_id)s' },
  anybody: { default: '@' },
  nobody: { default: '!' },
};

/** A rule for one of the usual audiences. Operations are written `POST /servers/{server_id}/action (migrate)`. */
export function policyRule(
  name: string,
  audience: Audience,
  description: string,
  operations: readonly `${PolicyOperation['method']} ${string}`[] = [],
): PolicyRule {
  return {
    name,
    ...audiences[audience],
    description,
    operations: operations.map((operation) => {
      const [method = '', ...path] = operation.split(' ');
      return { method: method as PolicyOperation['method'], path: path.join(' ') };
    }),
  };
}
