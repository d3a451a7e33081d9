import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import { timeWithMicroseconds } from '../http/times.ts';
import type { ApiServices } from '../services.ts';
import { readAuthRequest } from './auth-request.ts';
import type { CatalogReader } from './catalog.ts';
import { identityRoot, listLinks, requireRight } from './requests.ts';
import { projectView, readProjectsOfUser } from './projects.ts';
import { issueToken } from './token-issue.ts';
import type { IdentityTokens } from './token-authority.ts';
import type { TokenRecord } from './token-record.ts';

/** /v3/auth: tokens, catalog and the caller's projects. */
export function registerTokenRoutes(
  app: FastifyInstance,
  { pool, configuration }: ApiServices,
  tokens: IdentityTokens,
  readCatalog: CatalogReader,
): void {
  const answer = async (request: FastifyRequest, record: TokenRecord) => {
    const withCatalog = record.project !== null && !hasQuery(request, 'nocatalog');
    return { token: { ...tokenView(record), ...(withCatalog ? { catalog: await readCatalog() } : {}) } };
  };

  app.post('/v3/auth/tokens', { config: { public: true } }, async (request, reply) => {
    const token = await issueToken(pool, readAuthRequest(request), configuration.identity, (parent) =>
      tokens.find(parent),
    );
    const record = await tokens.find(token);
    if (record === null) throw new DroverError('unauthenticated');
    void reply.code(201).header('x-subject-token', token);
    return answer(request, record);
  });

  app.route({
    method: ['GET', 'HEAD'],
    url: '/v3/auth/tokens',
    handler: async (request, reply) => {
      const { token, record } = await subjectOf(request, tokens, 'identity:validate_token');
      void reply.header('x-subject-token', token);
      return answer(request, record);
    },
  });

  app.delete('/v3/auth/tokens', async (request, reply) => {
    const { record } = await subjectOf(request, tokens, 'identity:revoke_token');
    await pool.query(`delete from tokens where token_hash = $1`, [record.hash]);
    tokens.forgetAll();
    return noContent(reply);
  });

  app.get('/v3/auth/catalog', async (request) => {
    if (!request.caller.is_scoped) throw new DroverError('catalog_needs_project');
    return { catalog: await readCatalog(), links: { self: `${identityRoot(request)}/auth/catalog` } };
  });

  app.get('/v3/auth/projects', async (request) => {
    const projects = await readProjectsOfUser(pool, request.caller.user_id);
    return { projects: projects.map((row) => projectView(request, row)), links: listLinks(request) };
  });
}

/** The token of X-Subject-Token: everybody may look at their own, an administrator at any. */
async function subjectOf(
  request: FastifyRequest,
  tokens: IdentityTokens,
  rule: string,
): Promise<{ token: string; record: TokenRecord }> {
  const token = request.headers['x-subject-token'];
  const record = typeof token === 'string' && token !== '' ? await tokens.find(token) : null;
  if (typeof token !== 'string' || record === null) throw new DroverError('subject_token_not_found');
  requireRight(request.caller.is_admin || record.user.id === request.caller.user_id, rule);
  return { token, record };
}

function hasQuery(request: FastifyRequest, name: string): boolean {
  return typeof request.query === 'object' && request.query !== null && name in request.query;
}

export function noContent(reply: FastifyReply): FastifyReply {
  return reply.code(204).send();
}

function tokenView(record: TokenRecord): object {
  return {
    methods: record.methods,
    user: {
      domain: record.user.domain,
      id: record.user.id,
      name: record.user.name,
      password_expires_at: null,
    },
    audit_ids: record.audit_ids,
    expires_at: `${timeWithMicroseconds(record.expires_at)}Z`,
    issued_at: `${timeWithMicroseconds(record.issued_at)}Z`,
    ...(record.project === null
      ? {}
      : {
          project: { domain: record.project.domain, id: record.project.id, name: record.project.name },
          is_domain: false,
          roles: record.roles,
        }),
  };
}
