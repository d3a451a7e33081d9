import type { FastifyInstance } from 'fastify';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import { requireVersion } from '../http/microversion.ts';
import { serverPolicies } from '../policies/server-policies.ts';
import type { ApiServices } from '../services.ts';
import { allow, requireServer } from './server-access.ts';

interface OfServer {
  Params: { server_id: string };
}

/**
 * What a server has of networks, volumes and topology. There is no network and no volume service: the lists are
 * empty, as Nova's are for a server without any.
 */
export function registerServerAddressRoutes(app: FastifyInstance, services: ApiServices): void {
  app.get<OfServer>('/servers/:server_id/ips', async (request) => {
    const server = await requireServer(services, request, request.params.server_id);
    allow(services, request, serverPolicies.addresses_list, server);
    return { addresses: server.addresses };
  });

  app.get<{ Params: { server_id: string; network: string } }>(
    '/servers/:server_id/ips/:network',
    async (request) => {
      const server = await requireServer(services, request, request.params.server_id);
      allow(services, request, serverPolicies.addresses_show, server);
      const { network } = request.params;
      if (!Object.hasOwn(server.addresses, network)) throw new DroverError('network_tag_not_found');
      return { [network]: server.addresses[network] };
    },
  );

  app.get<OfServer>('/servers/:server_id/os-interface', async (request) => {
    const server = await requireServer(services, request, request.params.server_id);
    allow(services, request, serverPolicies.interfaces, server);
    return { interfaceAttachments: [] };
  });

  app.get<OfServer>('/servers/:server_id/os-volume_attachments', async (request) => {
    const server = await requireServer(services, request, request.params.server_id);
    allow(services, request, serverPolicies.volumes, server);
    return { volumeAttachments: [] };
  });

  app.get<OfServer>('/servers/:server_id/os-security-groups', async (request) => {
    const server = await requireServer(services, request, request.params.server_id);
    allow(services, request, serverPolicies.security_groups, server);
    return { security_groups: server.security_groups };
  });

  app.get<OfServer>('/servers/:server_id/topology', async (request) => {
    requireVersion(request.microversion, { first: 78 });
    const server = await requireServer(services, request, request.params.server_id);
    allow(services, request, serverPolicies.topology, server);
    return { nodes: [], pagesize_kb: null };
  });

  app.get<OfServer>('/servers/:server_id/diagnostics', async (request) => {
    const server = await requireServer(services, request, request.params.server_id);
    allow(services, request, serverPolicies.diagnostics, server);
    throw new DroverError('diagnostics_unsupported');
  });
}
