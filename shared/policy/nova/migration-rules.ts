import { policyRule as rule } from '../base-rules.ts';
import type { PolicyRule } from '../registry.ts';
import { action, SERVERS } from './server-action.ts';

/** Moves of servers, and what administrators do to get them out of trouble. */
export const migrationRules: readonly PolicyRule[] = [
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
