import { policyRule as rule } from '../base-rules.ts';
import type { PolicyRule } from '../registry.ts';

/** What a project has and uses: limits, quotas, usage, networks, key pairs, and what Nova is told from outside. */
export const projectRules: readonly PolicyRule[] = [
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
