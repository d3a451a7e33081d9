import { policyRule as rule } from '../base-rules.ts';
import type { PolicyRule } from '../registry.ts';

/** Hypervisors, services, hosts, aggregates and availability zones. */
export const hostRules: readonly PolicyRule[] = [
  rule('os_compute_api:os-hypervisors:list', 'admin', 'List hypervisors', ['GET /os-hypervisors']),
  rule('os_compute_api:os-hypervisors:list-detail', 'admin', 'List hypervisors in detail', [
    'GET /os-hypervisors/detail',
  ]),
  rule('os_compute_api:os-hypervisors:show', 'admin', 'Show a hypervisor', [
    'GET /os-hypervisors/{hypervisor_id}',
  ]),
  rule('os_compute_api:os-hypervisors:statistics', 'admin', 'Show sums over all hypervisors', [
    'GET /os-hypervisors/statistics',
  ]),
  rule('os_compute_api:os-hypervisors:uptime', 'admin', 'Show the uptime of a hypervisor', [
    'GET /os-hypervisors/{hypervisor_id}/uptime',
  ]),
  rule('os_compute_api:os-hypervisors:search', 'admin', 'Search hypervisors', [
    'GET /os-hypervisors/{pattern}/search',
  ]),
  rule('os_compute_api:os-hypervisors:servers', 'admin', 'List the servers of hypervisors', [
    'GET /os-hypervisors/{pattern}/servers',
  ]),
  rule('os_compute_api:os-services:list', 'admin', 'List services', ['GET /os-services']),
  rule('os_compute_api:os-services:update', 'admin', 'Enable, disable or force down a service', [
    'PUT /os-services/{service_id}',
  ]),
  rule('os_compute_api:os-services:delete', 'admin', 'Delete a service', [
    'DELETE /os-services/{service_id}',
  ]),
  rule('os_compute_api:os-hosts:list', 'admin', 'List hosts', ['GET /os-hosts']),
  rule('os_compute_api:os-hosts:show', 'admin', 'Show a host', ['GET /os-hosts/{host_name}']),
  rule('os_compute_api:os-hosts:update', 'admin', 'Enable or disable a host', ['PUT /os-hosts/{host_name}']),
  rule('os_compute_api:os-hosts:reboot', 'admin', 'Reboot a host', ['GET /os-hosts/{host_name}/reboot']),
  rule('os_compute_api:os-hosts:shutdown', 'admin', 'Shut a host down', [
    'GET /os-hosts/{host_name}/shutdown',
  ]),
  rule('os_compute_api:os-hosts:start', 'admin', 'Start a host', ['GET /os-hosts/{host_name}/startup']),
  rule('os_compute_api:os-aggregates:index', 'admin', 'List aggregates', ['GET /os-aggregates']),
  rule('os_compute_api:os-aggregates:show', 'admin', 'Show an aggregate', [
    'GET /os-aggregates/{aggregate_id}',
  ]),
  rule('os_compute_api:os-aggregates:create', 'admin', 'Create an aggregate', ['POST /os-aggregates']),
  rule('os_compute_api:os-aggregates:update', 'admin', 'Update an aggregate', [
    'PUT /os-aggregates/{aggregate_id}',
  ]),
  rule('os_compute_api:os-aggregates:delete', 'admin', 'Delete an aggregate', [
    'DELETE /os-aggregates/{aggregate_id}',
  ]),
  rule('os_compute_api:os-aggregates:add_host', 'admin', 'Add a host to an aggregate', [
    'POST /os-aggregates/{aggregate_id}/action (add_host)',
  ]),
  rule('os_compute_api:os-aggregates:remove_host', 'admin', 'Remove a host from an aggregate', [
    'POST /os-aggregates/{aggregate_id}/action (remove_host)',
  ]),
  rule('os_compute_api:os-aggregates:set_metadata', 'admin', 'Set the metadata of an aggregate', [
    'POST /os-aggregates/{aggregate_id}/action (set_metadata)',
  ]),
  rule('compute:aggregates:images', 'admin', 'Fetch images ahead of time', [
    'POST /os-aggregates/{aggregate_id}/images',
  ]),
  rule('os_compute_api:os-availability-zone:list', 'anybody', 'List availability zones', [
    'GET /os-availability-zone',
  ]),
  rule('os_compute_api:os-availability-zone:detail', 'admin', 'List availability zones with their hosts', [
    'GET /os-availability-zone/detail',
  ]),
];
