/** Rules about flavors: Nova's names (facts document, section 8.1). Listing and showing have none. */
export const flavorPolicies = {
  create: 'os_compute_api:os-flavor-manage:create',
  update: 'os_compute_api:os-flavor-manage:update',
  delete: 'os_compute_api:os-flavor-manage:delete',
  access: 'os_compute_api:os-flavor-access',
  add_access: 'os_compute_api:os-flavor-access:add_tenant_access',
  remove_access: 'os_compute_api:os-flavor-access:remove_tenant_access',
  extra_specs: 'os_compute_api:os-flavor-extra-specs:index',
  extra_spec: 'os_compute_api:os-flavor-extra-specs:show',
  create_extra_specs: 'os_compute_api:os-flavor-extra-specs:create',
  update_extra_spec: 'os_compute_api:os-flavor-extra-specs:update',
  delete_extra_spec: 'os_compute_api:os-flavor-extra-specs:delete',
} as const;
