/** Rules about compute services and hypervisors: Nova's names, all the administrator's (facts document, section 8.1). */
export const servicePolicies = {
  list: 'os_compute_api:os-services:list',
  update: 'os_compute_api:os-services:update',
  delete: 'os_compute_api:os-services:delete',
  hypervisors: 'os_compute_api:os-hypervisors:list',
  hypervisors_detail: 'os_compute_api:os-hypervisors:list-detail',
  hypervisor: 'os_compute_api:os-hypervisors:show',
  statistics: 'os_compute_api:os-hypervisors:statistics',
  uptime: 'os_compute_api:os-hypervisors:uptime',
  search: 'os_compute_api:os-hypervisors:search',
  servers: 'os_compute_api:os-hypervisors:servers',
} as const;
