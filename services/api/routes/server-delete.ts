import type { FastifyInstance } from 'fastify';
import { requestDelete } from '../operations/request-delete.ts';
import { serverPolicies } from '../policies/server-policies.ts';
import type { ApiServices } from '../services.ts';
import { allow, requesterOf, requireServer } from './server-access.ts';

/** DELETE /servers/{id}: 204 as soon as it is written down. */
export function registerServerDeleteRoutes(app: FastifyInstance, services: ApiServices): void {
  app.delete<{ Params: { server_id: string } }>('/servers/:server_id', async (request, reply) => {
    const server = await requireServer(services, request, request.params.server_id);
    allow(services, request, serverPolicies.delete, server);
    await requestDelete(services, requesterOf(request), server.uuid);
    return reply.code(204).send();
  });
}
