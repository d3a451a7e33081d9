import { policyRule as rule } from '../base-rules.ts';
import type { PolicyRule } from '../registry.ts';
import { action } from './server-action.ts';

/** What is done to one server and what was: locks, pauses, shelves, consoles, passwords, actions. */
export const serverStateRules: readonly PolicyRule[] = [
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
];
