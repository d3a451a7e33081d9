import type { FastifyInstance } from 'fastify';

/** The headers that clients rely on, on every answer: errors and empty ones too (facts document, section 1.1). */
export function addHeaders(app: FastifyInstance): void {
  app.addHook('onSend', async (request, reply) => {
    void reply.header('x-openstack-request-id', request.request_id);
    if (request.surface === 'identity') void reply.header('vary', 'X-Auth-Token');
    if (request.surface === 'compute') {
      void reply.header('x-compute-request-id', request.request_id);
      const version = request.context.answered_version;
      if (version !== null)
        void reply
          .header('openstack-api-version', `compute ${version}`)
          .header('x-openstack-nova-api-version', version)
          .header('vary', 'OpenStack-API-Version, X-OpenStack-Nova-API-Version');
    }
    const type = reply.getHeader('content-type');
    if (type === undefined || (typeof type === 'string' && type.startsWith('application/json')))
      void reply.header(
        'content-type',
        request.context.is_fault ? 'application/json; charset=UTF-8' : 'application/json',
      );
  });
}
