/** Rules about what a project owns and may use: Nova's names (facts document, section 8.1). */
export const projectPolicies = {
  server_groups: 'os_compute_api:os-server-groups:index',
  server_groups_of_all: 'os_compute_api:os-server-groups:index:all_projects',
  server_group: 'os_compute_api:os-server-groups:show',
  create_server_group: 'os_compute_api:os-server-groups:create',
  delete_server_group: 'os_compute_api:os-server-groups:delete',
  limits: 'os_compute_api:limits',
  limits_of_other: 'os_compute_api:limits:other_project',
  quota: 'os_compute_api:os-quota-sets:show',
  quota_detail: 'os_compute_api:os-quota-sets:detail',
  quota_defaults: 'os_compute_api:os-quota-sets:defaults',
  update_quota: 'os_compute_api:os-quota-sets:update',
  delete_quota: 'os_compute_api:os-quota-sets:delete',
  quota_class: 'os_compute_api:os-quota-class-sets:show',
  usages: 'os_compute_api:os-simple-tenant-usage:list',
  usage: 'os_compute_api:os-simple-tenant-usage:show',
  extensions: 'os_compute_api:extensions',
} as const;
