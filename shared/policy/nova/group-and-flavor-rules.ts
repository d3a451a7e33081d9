import { policyRule as rule } from '../base-rules.ts';
import type { PolicyRule } from '../registry.ts';

/** Server groups and flavors. */
export const groupAndFlavorRules: readonly PolicyRule[] = [
  rule('os_compute_api:os-server-groups:create', 'member_or_admin', 'Create a server group', [
    'POST /os-server-groups',
  ]),
  rule('os_compute_api:os-server-groups:delete', 'member_or_admin', 'Delete a server group', [
    'DELETE /os-server-groups/{server_group_id}',
  ]),
  rule('os_compute_api:os-server-groups:index', 'reader_or_admin', 'List server groups', [
    'GET /os-server-groups',
  ]),
  rule('os_compute_api:os-server-groups:index:all_projects', 'admin', 'List server groups of all projects', [
    'GET /os-server-groups',
  ]),
  rule('os_compute_api:os-server-groups:show', 'reader_or_admin', 'Show a server group', [
    'GET /os-server-groups/{server_group_id}',
  ]),
  rule('os_compute_api:os-flavor-manage:create', 'admin', 'Create a flavor', ['POST /flavors']),
  rule('os_compute_api:os-flavor-manage:update', 'admin', 'Update a flavor', ['PUT /flavors/{flavor_id}']),
  rule('os_compute_api:os-flavor-manage:delete', 'admin', 'Delete a flavor', ['DELETE /flavors/{flavor_id}']),
  rule('os_compute_api:os-flavor-access', 'admin', 'List who may use a flavor', [
    'GET /flavors/{flavor_id}/os-flavor-access',
  ]),
  rule('os_compute_api:os-flavor-access:add_tenant_access', 'admin', 'Let a project use a flavor', [
    'POST /flavors/{flavor_id}/action (addTenantAccess)',
  ]),
  rule('os_compute_api:os-flavor-access:remove_tenant_access', 'admin', 'Forbid a project to use a flavor', [
    'POST /flavors/{flavor_id}/action (removeTenantAccess)',
  ]),
  rule('os_compute_api:os-flavor-extra-specs:index', 'reader_or_admin', 'List the extra specs of a flavor', [
    'GET /flavors/{flavor_id}/os-extra_specs',
  ]),
  rule('os_compute_api:os-flavor-extra-specs:show', 'reader_or_admin', 'Show an extra spec of a flavor', [
    'GET /flavors/{flavor_id}/os-extra_specs/{key}',
  ]),
  rule('os_compute_api:os-flavor-extra-specs:create', 'admin', 'Add extra specs to a flavor', [
    'POST /flavors/{flavor_id}/os-extra_specs',
  ]),
  rule('os_compute_api:os-flavor-extra-specs:update', 'admin', 'Change an extra spec of a flavor', [
    'PUT /flavors/{flavor_id}/os-extra_specs/{key}',
  ]),
  rule('os_compute_api:os-flavor-extra-specs:delete', 'admin', 'Delete an extra spec of a flavor', [
    'DELETE /flavors/{flavor_id}/os-extra_specs/{key}',
  ]),
];
