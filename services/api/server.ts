import { randomUUID } from 'node:crypto';
import Fastify, { LogController, type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import { DroverError } from '../../shared/errors/drover-error.ts';
import { authenticate, authenticateUnlessPublic } from './http/authenticate.ts';
import { guardCompute } from './http/compute-gate.ts';
import { handleErrors } from './http/errors.ts';
import { addHeaders } from './http/headers.ts';
import { BODY_BYTES_MAX, parseBodies } from './http/json-body.ts';
import { isVersionedCompute, rewriteUrl } from './http/surface.ts';
import {
  registerVersionDocument,
  registerVersionList,
  sendVersionChoices,
} from './http/version-documents.ts';
import { registerIdentity } from './identity/register.ts';
import { createTokenAuthority } from './identity/token-authority.ts';
import { countRequests } from './metrics/api-metrics.ts';
import { registerImage } from './image/register.ts';
import { decorateRequests } from './request-context.ts';
import { computeResources, droverResources } from './routes/index.ts';
import type { ApiServices } from './services.ts';

const PATH_PARAMETER_LENGTH_MAX = 1000;

/**
 * Builds the HTTP server with all APIs on it, not yet listening. A request passes, in this order:
 * rewriting of its root (http/surface.ts), request id, token, microversion, project in the path, body,
 * then its route; errors are rendered by http/errors.ts in the envelope of the API they belong to.
 */
export function buildServer(services: ApiServices): FastifyInstance {
  const authority = createTokenAuthority(services.pool, (caller) =>
    services.policy.check('context_is_admin', {}, caller),
  );
  const log: FastifyBaseLogger = services.log;
  const app = Fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'request_id' }),
    genReqId: () => `req-${randomUUID()}`,
    rewriteUrl,
    bodyLimit: BODY_BYTES_MAX,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: PATH_PARAMETER_LENGTH_MAX },
    exposeHeadRoutes: false,
  });
  listRoutes(app);
  decorateRequests(app);
  parseBodies(app);
  handleErrors(app);
  addHeaders(app);
  refuseNul(app);
  logRequests(app);
  countRequests(app, services.metrics.api);

  app.setNotFoundHandler(async (request, reply) => {
    if (request.surface !== 'compute') throw new DroverError('route_not_found');
    if (!isVersionedCompute(request.url)) return sendVersionChoices(request, reply);
    await authenticate(request, authority);
    throw new DroverError('route_not_found');
  });

  registerVersionList(app);
  void app.register(
    (compute, _options, done) => {
      guardCompute(compute, authority);
      registerVersionDocument(compute);
      for (const register of computeResources) register(compute, services);
      done();
    },
    { prefix: '/v2.1' },
  );
  void app.register(
    (drover, _options, done) => {
      drover.addHook('onRequest', authenticateUnlessPublic(authority));
      for (const register of droverResources) register(drover, services);
      done();
    },
    { prefix: '/drover/v1' },
  );
  void app.register(
    (identity, _options, done) => {
      identity.addHook('onRequest', authenticateUnlessPublic(authority));
      registerIdentity(identity, services, authority);
      done();
    },
    { prefix: '/identity' },
  );
  void app.register(
    (image, _options, done) => {
      image.addHook('onRequest', authenticateUnlessPublic(authority));
      registerImage(image, services, authority);
      done();
    },
    { prefix: '/image' },
  );
  return app;
}

/** What is registered, for tests and documents that must not miss a route. */
export interface RegisteredRoute {
  readonly method: string;
  /** With its prefix; compute routes stand below /v2.1. */
  readonly url: string;
  readonly is_public: boolean;
}

declare module 'fastify' {
  interface FastifyInstance {
    /** All routes, complete once the app is ready. */
    readonly route_list: readonly RegisteredRoute[];
  }
}

function listRoutes(app: FastifyInstance): void {
  const routes: RegisteredRoute[] = [];
  app.decorate('route_list', routes);
  app.addHook('onRoute', ({ method, url, config }) => {
    for (const one of Array.isArray(method) ? method : [method])
      routes.push({ method: one, url, is_public: config?.public === true });
  });
}

/** PostgreSQL has no NUL in texts, and no name or id has one: refuse it wherever it stands in the URL. */
function refuseNul(app: FastifyInstance): void {
  app.addHook('onRequest', (request, _reply, done) => {
    done(request.url.includes('%00') ? new DroverError('malformed_request') : undefined);
  });
}

/** One line per answer. No query (it may hold names) and no header (it holds the token). */
function logRequests(app: FastifyInstance): void {
  app.addHook('onResponse', (request, reply, done) => {
    request.log.info(
      {
        method: request.method,
        path: request.originalUrl.split('?', 1)[0],
        status: reply.statusCode,
        milliseconds: Math.round(reply.elapsedTime * 10) / 10,
        user_id: request.context.caller?.user_id,
        project_id: request.context.caller?.project_id,
      },
      'answered',
    );
    done();
  });
}
