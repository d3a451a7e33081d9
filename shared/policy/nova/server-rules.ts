import { policyRule as rule } from '../base-rules.ts';
import type { PolicyRule } from '../registry.ts';
import { action, SERVERS } from './server-action.ts';

/** Servers as such: list, show, create, change, power, resize. */
export const serverRules: readonly PolicyRule[] = [
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
