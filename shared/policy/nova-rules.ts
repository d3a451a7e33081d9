import { policyRule as rule } from './base-rules.ts';
import type { PolicyRule } from './registry.ts';

/**
 * Nova's rules with the defaults of Zed (facts document, section 8.1). All of them, not only those that a route of
 * ours asks for, so that a policy file written for Nova names no rule that does not exist.
 */
const action = (name: string) => `POST /servers/{server_id}/action (${name})` as const;
const SERVERS = 'os_compute_api:servers';

const servers: readonly PolicyRule[] = [
  rule(`${SERVERS}:index`, 'reader_or_admin', 'List servers', ['GET /servers']),
  rule(`${SERVERS}:detail`, 'reader_or_admin', 'List servers in detail', ['GET /servers/detail']),
  rule(`${SERVERS}:index:get_all_tenants`, 'admin', 'List servers of all projects', ['GET /servers']),
  rule(`${SERVERS}:detail:get_all_tenants`, 'admin', 'List servers of all projects in detail', [
    'GET /servers/detail',
  ]),
  rule(`${SERVERS}:allow_all_filters`, 'admin', 'Use every filter in a list of servers', [
    'GET /servers',
    'GET /servers/detail',
  ]),
  rule(`${SERVERS}:show`, 'reader_or_admin', 'Show a server', ['GET /servers/{server_id}']),
  rule(`${SERVERS}:show:host_status`, 'admin', "Show the state of a server's host", [
    'GET /servers/{server_id}',
    'GET /servers/detail',
  ]),
  rule(
    `${SERVERS}:show:host_status:unknown-only`,
    'admin',
    "Show the state of a server's host when it is unknown",
    ['GET /servers/{server_id}', 'GET /servers/detail'],
  ),
  rule(
    `${SERVERS}:show:flavor-extra-specs`,
    'reader_or_admin',
    "Show the flavor's extra specs with a server",
    ['GET /servers/{server_id}', 'GET /servers/detail'],
  ),
  rule(`${SERVERS}:create`, 'member_or_admin', 'Create a server', ['POST /servers']),
  rule(`${SERVERS}:create:forced_host`, 'admin', 'Create a server on a host without running filters', [
    'POST /servers',
  ]),
  rule('compute:servers:create:requested_destination', 'admin', 'Create a server on a host', [
    'POST /servers',
  ]),
  rule(`${SERVERS}:create:attach_volume`, 'member_or_admin', 'Create a server with a volume', [
    'POST /servers',
  ]),
  rule(`${SERVERS}:create:attach_network`, 'member_or_admin', 'Create a server with a network', [
    'POST /servers',
  ]),
  rule(`${SERVERS}:create:trusted_certs`, 'member_or_admin', 'Create a server with trusted certificates', [
    'POST /servers',
  ]),
  rule(`${SERVERS}:create:zero_disk_flavor`, 'admin', 'Create a server whose flavor has no disk', [
    'POST /servers',
  ]),
  rule('network:attach_external_network', 'admin', 'Attach a server to an external network', [
    'POST /servers',
  ]),
  rule(`${SERVERS}:update`, 'member_or_admin', 'Update a server', ['PUT /servers/{server_id}']),
  rule(`${SERVERS}:delete`, 'member_or_admin', 'Delete a server', ['DELETE /servers/{server_id}']),
  rule(`${SERVERS}:confirm_resize`, 'member_or_admin', 'Confirm a move', [action('confirmResize')]),
  rule(`${SERVERS}:revert_resize`, 'member_or_admin', 'Revert a move', [action('revertResize')]),
  rule(`${SERVERS}:reboot`, 'member_or_admin', 'Reboot a server', [action('reboot')]),
  rule(`${SERVERS}:resize`, 'member_or_admin', 'Resize a server', [action('resize')]),
  rule('compute:servers:resize:cross_cell', 'nobody', 'Resize or move a server to another cell', [
    action('resize'),
  ]),
  rule(`${SERVERS}:rebuild`, 'member_or_admin', 'Rebuild a server', [action('rebuild')]),
  rule(`${SERVERS}:rebuild:trusted_certs`, 'member_or_admin', 'Rebuild a server with trusted certificates', [
    action('rebuild'),
  ]),
  rule(`${SERVERS}:create_image`, 'member_or_admin', 'Make an image of a server', [action('createImage')]),
  rule(
    `${SERVERS}:create_image:allow_volume_backed`,
    'member_or_admin',
    'Make an image of a server with a volume',
    [action('createImage')],
  ),
  rule(`${SERVERS}:start`, 'member_or_admin', 'Start a server', [action('os-start')]),
  rule(`${SERVERS}:stop`, 'member_or_admin', 'Stop a server', [action('os-stop')]),
  rule(`${SERVERS}:trigger_crash_dump`, 'member_or_admin', 'Make a server dump its memory', [
    action('trigger_crash_dump'),
  ]),
];

const moves: readonly PolicyRule[] = [
  rule('os_compute_api:os-migrate-server:migrate', 'admin', 'Move a server to another host', [
    action('migrate'),
  ]),
  rule('os_compute_api:os-migrate-server:migrate_live', 'admin', 'Move a server while it runs', [
    action('os-migrateLive'),
  ]),
  rule('os_compute_api:os-migrations:index', 'admin', 'List migrations', ['GET /os-migrations']),
  rule(`${SERVERS}:migrations:index`, 'admin', 'List the migrations of a server', [
    'GET /servers/{server_id}/migrations',
  ]),
  rule(`${SERVERS}:migrations:show`, 'admin', 'Show a migration', [
    'GET /servers/{server_id}/migrations/{migration_id}',
  ]),
  rule(`${SERVERS}:migrations:force_complete`, 'admin', 'Force a migration to complete', [
    'POST /servers/{server_id}/migrations/{migration_id}/action (force_complete)',
  ]),
  rule(`${SERVERS}:migrations:delete`, 'admin', 'Cancel a migration', [
    'DELETE /servers/{server_id}/migrations/{migration_id}',
  ]),
  rule('os_compute_api:os-evacuate', 'admin', 'Rebuild a server of a failed host', [action('evacuate')]),
  rule('os_compute_api:os-admin-actions:reset_state', 'admin', 'Set the state of a server', [
    action('os-resetState'),
  ]),
  rule('os_compute_api:os-admin-actions:inject_network_info', 'admin', 'Inject network information', [
    action('injectNetworkInfo'),
  ]),
];

const aboutServers: readonly PolicyRule[] = [
  rule(
    'os_compute_api:os-extended-server-attributes',
    'admin',
    'Show the host of a server and other internals',
    ['GET /servers/{server_id}', 'GET /servers/detail'],
  ),
  rule('os_compute_api:os-lock-server:lock', 'member_or_admin', 'Lock a server', [action('lock')]),
  rule('os_compute_api:os-lock-server:unlock', 'member_or_admin', 'Unlock a server', [action('unlock')]),
  rule(
    'os_compute_api:os-lock-server:unlock:unlock_override',
    'admin',
    'Unlock a server that somebody else has locked',
    [action('unlock')],
  ),
  rule('os_compute_api:os-pause-server:pause', 'member_or_admin', 'Pause a server', [action('pause')]),
  rule('os_compute_api:os-pause-server:unpause', 'member_or_admin', 'Unpause a server', [action('unpause')]),
  rule('os_compute_api:os-suspend-server:suspend', 'member_or_admin', 'Suspend a server', [
    action('suspend'),
  ]),
  rule('os_compute_api:os-suspend-server:resume', 'member_or_admin', 'Resume a server', [action('resume')]),
  rule('os_compute_api:os-shelve:shelve', 'member_or_admin', 'Shelve a server', [action('shelve')]),
  rule('os_compute_api:os-shelve:unshelve', 'member_or_admin', 'Unshelve a server', [action('unshelve')]),
  rule('os_compute_api:os-shelve:shelve_offload', 'admin', 'Remove a shelved server from its host', [
    action('shelveOffload'),
  ]),
  rule('os_compute_api:os-rescue', 'member_or_admin', 'Rescue a server', [action('rescue')]),
  rule('os_compute_api:os-unrescue', 'member_or_admin', 'Unrescue a server', [action('unrescue')]),
  rule('os_compute_api:os-console-output', 'member_or_admin', 'Show the console output of a server', [
    action('os-getConsoleOutput'),
  ]),
  rule('os_compute_api:os-remote-consoles', 'member_or_admin', 'Make a console of a server', [
    'POST /servers/{server_id}/remote-consoles',
  ]),
  rule('os_compute_api:os-create-backup', 'member_or_admin', 'Make a backup of a server', [
    action('createBackup'),
  ]),
  rule('os_compute_api:os-deferred-delete:restore', 'member_or_admin', 'Restore a deleted server', [
    action('restore'),
  ]),
  rule('os_compute_api:os-deferred-delete:force', 'member_or_admin', 'Delete a server at once', [
    action('forceDelete'),
  ]),
  rule('os_compute_api:os-server-password:show', 'reader_or_admin', 'Show the password of a server', [
    'GET /servers/{server_id}/os-server-password',
  ]),
  rule('os_compute_api:os-server-password:clear', 'member_or_admin', 'Clear the password of a server', [
    'DELETE /servers/{server_id}/os-server-password',
  ]),
  rule('os_compute_api:os-admin-password', 'member_or_admin', 'Change the password of a server', [
    action('changePassword'),
  ]),
  rule('os_compute_api:os-server-diagnostics', 'admin', 'Show diagnostics of a server', [
    'GET /servers/{server_id}/diagnostics',
  ]),
  rule('os_compute_api:os-instance-actions:list', 'reader_or_admin', 'List what was done to a server', [
    'GET /servers/{server_id}/os-instance-actions',
  ]),
  rule('os_compute_api:os-instance-actions:show', 'reader_or_admin', 'Show what was done to a server', [
    'GET /servers/{server_id}/os-instance-actions/{request_id}',
  ]),
  rule('os_compute_api:os-instance-actions:events', 'admin', 'Show the events of what was done to a server', [
    'GET /servers/{server_id}/os-instance-actions/{request_id}',
  ]),
  rule('os_compute_api:os-instance-actions:events:details', 'admin', 'Show the details of such events', [
    'GET /servers/{server_id}/os-instance-actions/{request_id}',
  ]),
  rule('os_compute_api:server-metadata:index', 'reader_or_admin', 'List the metadata of a server', [
    'GET /servers/{server_id}/metadata',
  ]),
  rule('os_compute_api:server-metadata:show', 'reader_or_admin', 'Show metadata of a server', [
    'GET /servers/{server_id}/metadata/{key}',
  ]),
  rule('os_compute_api:server-metadata:create', 'member_or_admin', 'Add metadata to a server', [
    'POST /servers/{server_id}/metadata',
  ]),
  rule('os_compute_api:server-metadata:update_all', 'member_or_admin', 'Replace the metadata of a server', [
    'PUT /servers/{server_id}/metadata',
  ]),
  rule('os_compute_api:server-metadata:update', 'member_or_admin', 'Change metadata of a server', [
    'PUT /servers/{server_id}/metadata/{key}',
  ]),
  rule('os_compute_api:server-metadata:delete', 'member_or_admin', 'Delete metadata of a server', [
    'DELETE /servers/{server_id}/metadata/{key}',
  ]),
  rule('os_compute_api:os-server-tags:index', 'reader_or_admin', 'List the tags of a server', [
    'GET /servers/{server_id}/tags',
  ]),
  rule('os_compute_api:os-server-tags:show', 'reader_or_admin', 'Ask whether a server has a tag', [
    'GET /servers/{server_id}/tags/{tag}',
  ]),
  rule('os_compute_api:os-server-tags:update', 'member_or_admin', 'Add a tag to a server', [
    'PUT /servers/{server_id}/tags/{tag}',
  ]),
  rule('os_compute_api:os-server-tags:update_all', 'member_or_admin', 'Replace the tags of a server', [
    'PUT /servers/{server_id}/tags',
  ]),
  rule('os_compute_api:os-server-tags:delete', 'member_or_admin', 'Delete a tag of a server', [
    'DELETE /servers/{server_id}/tags/{tag}',
  ]),
  rule('os_compute_api:os-server-tags:delete_all', 'member_or_admin', 'Delete the tags of a server', [
    'DELETE /servers/{server_id}/tags',
  ]),
  rule('os_compute_api:ips:index', 'reader_or_admin', 'List the addresses of a server', [
    'GET /servers/{server_id}/ips',
  ]),
  rule('os_compute_api:ips:show', 'reader_or_admin', 'Show the addresses of a server on a network', [
    'GET /servers/{server_id}/ips/{network}',
  ]),
  rule('os_compute_api:os-attach-interfaces:list', 'reader_or_admin', 'List the interfaces of a server', [
    'GET /servers/{server_id}/os-interface',
  ]),
  rule('os_compute_api:os-attach-interfaces:show', 'reader_or_admin', 'Show an interface of a server', [
    'GET /servers/{server_id}/os-interface/{port_id}',
  ]),
  rule('os_compute_api:os-attach-interfaces:create', 'member_or_admin', 'Attach an interface to a server', [
    'POST /servers/{server_id}/os-interface',
  ]),
  rule('os_compute_api:os-attach-interfaces:delete', 'member_or_admin', 'Detach an interface from a server', [
    'DELETE /servers/{server_id}/os-interface/{port_id}',
  ]),
  rule('os_compute_api:os-volumes-attachments:index', 'reader_or_admin', 'List the volumes of a server', [
    'GET /servers/{server_id}/os-volume_attachments',
  ]),
  rule('os_compute_api:os-volumes-attachments:show', 'reader_or_admin', 'Show a volume of a server', [
    'GET /servers/{server_id}/os-volume_attachments/{volume_id}',
  ]),
  rule('os_compute_api:os-volumes-attachments:create', 'member_or_admin', 'Attach a volume to a server', [
    'POST /servers/{server_id}/os-volume_attachments',
  ]),
  rule('os_compute_api:os-volumes-attachments:update', 'member_or_admin', 'Change a volume of a server', [
    'PUT /servers/{server_id}/os-volume_attachments/{volume_id}',
  ]),
  rule('os_compute_api:os-volumes-attachments:swap', 'admin', 'Swap a volume of a server', [
    'PUT /servers/{server_id}/os-volume_attachments/{volume_id}',
  ]),
  rule('os_compute_api:os-volumes-attachments:delete', 'member_or_admin', 'Detach a volume from a server', [
    'DELETE /servers/{server_id}/os-volume_attachments/{volume_id}',
  ]),
  rule('os_compute_api:os-security-groups:list', 'reader_or_admin', 'List the security groups of a server', [
    'GET /servers/{server_id}/os-security-groups',
  ]),
  rule('os_compute_api:os-security-groups:add', 'member_or_admin', 'Add a security group to a server', [
    action('addSecurityGroup'),
  ]),
  rule(
    'os_compute_api:os-security-groups:remove',
    'member_or_admin',
    'Remove a security group from a server',
    [action('removeSecurityGroup')],
  ),
  rule('compute:server:topology:index', 'reader_or_admin', 'Show the NUMA topology of a server', [
    'GET /servers/{server_id}/topology',
  ]),
  rule('compute:server:topology:host:index', 'admin', 'Show the NUMA topology of a server with its host', [
    'GET /servers/{server_id}/topology',
  ]),
];

const inventory: readonly PolicyRule[] = [
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

const projects: readonly PolicyRule[] = [
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
  rule('os_compute_api:limits', 'anybody', 'Show limits', ['GET /limits']),
  rule('os_compute_api:limits:other_project', 'admin', 'Show the limits of another project', ['GET /limits']),
  rule('os_compute_api:os-quota-sets:show', 'reader_or_admin', 'Show a quota', [
    'GET /os-quota-sets/{project_id}',
  ]),
  rule('os_compute_api:os-quota-sets:detail', 'reader_or_admin', 'Show a quota with its use', [
    'GET /os-quota-sets/{project_id}/detail',
  ]),
  rule('os_compute_api:os-quota-sets:defaults', 'anybody', 'Show default quotas', [
    'GET /os-quota-sets/{project_id}/defaults',
  ]),
  rule('os_compute_api:os-quota-sets:update', 'admin', 'Change a quota', ['PUT /os-quota-sets/{project_id}']),
  rule('os_compute_api:os-quota-sets:delete', 'admin', 'Reset a quota', [
    'DELETE /os-quota-sets/{project_id}',
  ]),
  rule('os_compute_api:os-quota-class-sets:show', 'admin', 'Show the quotas of a class', [
    'GET /os-quota-class-sets/{quota_class}',
  ]),
  rule('os_compute_api:os-quota-class-sets:update', 'admin', 'Change the quotas of a class', [
    'PUT /os-quota-class-sets/{quota_class}',
  ]),
  rule('os_compute_api:os-simple-tenant-usage:list', 'admin', 'List the usage of projects', [
    'GET /os-simple-tenant-usage',
  ]),
  rule('os_compute_api:os-simple-tenant-usage:show', 'reader_or_admin', 'Show the usage of a project', [
    'GET /os-simple-tenant-usage/{project_id}',
  ]),
  rule('os_compute_api:os-tenant-networks:list', 'reader_or_admin', 'List networks', [
    'GET /os-tenant-networks',
  ]),
  rule('os_compute_api:os-tenant-networks:show', 'reader_or_admin', 'Show a network', [
    'GET /os-tenant-networks/{network_id}',
  ]),
  rule('os_compute_api:os-keypairs:index', 'owner_or_admin', 'List key pairs', ['GET /os-keypairs']),
  rule('os_compute_api:os-keypairs:show', 'owner_or_admin', 'Show a key pair', [
    'GET /os-keypairs/{keypair_name}',
  ]),
  rule('os_compute_api:os-keypairs:create', 'owner_or_admin', 'Create or import a key pair', [
    'POST /os-keypairs',
  ]),
  rule('os_compute_api:os-keypairs:delete', 'owner_or_admin', 'Delete a key pair', [
    'DELETE /os-keypairs/{keypair_name}',
  ]),
  rule('os_compute_api:extensions', 'anybody', 'List extensions', ['GET /extensions']),
  rule('os_compute_api:os-server-external-events:create', 'admin', 'Tell of an event outside', [
    'POST /os-server-external-events',
  ]),
  rule('os_compute_api:os-assisted-volume-snapshots:create', 'admin', 'Make a snapshot of a volume', [
    'POST /os-assisted-volume-snapshots',
  ]),
  rule('os_compute_api:os-assisted-volume-snapshots:delete', 'admin', 'Delete a snapshot of a volume', [
    'DELETE /os-assisted-volume-snapshots/{snapshot_id}',
  ]),
];

export const novaRules: readonly PolicyRule[] = [
  ...servers,
  ...moves,
  ...aboutServers,
  ...inventory,
  ...projects,
];
