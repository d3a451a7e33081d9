import { policyRule as rule } from '../base-rules.ts';
import type { PolicyRule } from '../registry.ts';
import { action } from './server-action.ts';

/** What a server has: metadata, tags, addresses, interfaces, volumes, security groups, topology. */
export const serverPartRules: readonly PolicyRule[] = [
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
