import type { FastifyInstance } from 'fastify';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import { projectPolicies } from '../policies/project-policies.ts';
import type { ApiServices } from '../services.ts';
import { allow } from './server-access.ts';

/**
 * Once a way to learn what a cloud can do, since microversions a constant. Only what Drover really has is listed,
 * so that a client that asks does not try the rest.
 */
const extensions: ReadonlyMap<string, object> = new Map(
  [
    ['os-aggregates', 'Aggregates', 'Admin-only aggregate administration.'],
    ['os-availability-zone', 'AvailabilityZone', 'Availability zones of hosts and servers.'],
    ['os-extended-server-attributes', 'ExtendedServerAttributes', 'Extended server attributes.'],
    ['os-extended-status', 'ExtendedStatus', 'Extended status of servers.'],
    ['os-flavor-access', 'FlavorAccess', 'Access of projects to flavors.'],
    ['os-flavor-extra-specs', 'FlavorExtraSpecs', 'Extra specs of flavors.'],
    ['os-flavor-manage', 'FlavorManage', 'Creation and deletion of flavors.'],
    ['os-hosts', 'Hosts', 'Admin-only host administration.'],
    ['os-hypervisors', 'Hypervisors', 'Admin-only hypervisor administration.'],
    ['os-instance-actions', 'InstanceActions', 'What was done to servers.'],
    ['os-keypairs', 'Keypairs', 'Key pairs of users.'],
    ['os-lock-server', 'LockServer', 'Locking and unlocking of servers.'],
    ['os-migrate-server', 'MigrateServer', 'Moving of servers to other hosts.'],
    ['os-migrations', 'Migrations', 'Moves of servers.'],
    ['os-quota-sets', 'Quotas', 'Quotas of projects.'],
    ['os-server-groups', 'ServerGroups', 'Groups of servers.'],
    ['os-services', 'Services', 'Processes that report themselves.'],
    ['os-simple-tenant-usage', 'SimpleTenantUsage', 'Usage of projects.'],
    ['server-migrations', 'ServerMigrations', 'Moves of one server.'],
  ].map(([alias = '', name = '', description = '']) => [
    alias,
    {
      name,
      alias,
      description,
      links: [],
      namespace: 'http://docs.openstack.org/compute/ext/fake_xml',
      updated: '2014-12-03T00:00:00Z',
    },
  ]),
);

export function registerExtensionRoutes(app: FastifyInstance, services: ApiServices): void {
  app.get('/extensions', (request) => {
    allow(services, request, projectPolicies.extensions);
    return { extensions: [...extensions.values()] };
  });

  app.get<{ Params: { alias: string } }>('/extensions/:alias', (request) => {
    allow(services, request, projectPolicies.extensions);
    const extension = extensions.get(request.params.alias);
    if (extension === undefined) throw new DroverError('extension_not_found');
    return { extension };
  });
}
