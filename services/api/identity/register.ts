import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ApiServices } from '../services.ts';
import { createCatalogReader } from './catalog.ts';
import { registerCatalogRoutes, registerDomainsAndRegions } from './catalog-routes.ts';
import { registerProjects } from './projects.ts';
import { identityRoot } from './requests.ts';
import { registerGrants, registerRoles } from './roles.ts';
import type { IdentityTokens } from './token-authority.ts';
import { registerTokenRoutes } from './token-routes.ts';
import { registerUsers } from './users.ts';

/** All routes of the identity API, below /identity. */
export function registerIdentity(app: FastifyInstance, services: ApiServices, tokens: IdentityTokens): void {
  registerVersions(app);
  registerTokenRoutes(app, services, tokens, createCatalogReader(services.pool));
  registerProjects(app, services, tokens);
  registerUsers(app, services, tokens);
  registerRoles(app, services, tokens);
  registerGrants(app, services, tokens);
  registerCatalogRoutes(app, services);
  registerDomainsAndRegions(app, services);
}

function registerVersions(app: FastifyInstance): void {
  const is_public = { config: { public: true } };
  const version = (request: FastifyRequest) => ({
    id: 'v3.14',
    status: 'stable',
    updated: '2020-04-07T00:00:00Z',
    links: [{ rel: 'self', href: `${identityRoot(request)}/` }],
    'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.identity-v3+json' }],
  });
  app.get('/', is_public, (request, reply) =>
    reply
      .code(300)
      .header('location', `${identityRoot(request)}/`)
      .send({ versions: { values: [version(request)] } }),
  );
  for (const path of ['/v3', '/v3/']) app.get(path, is_public, (request) => ({ version: version(request) }));
}
