import type { FastifyInstance, FastifyRequest } from 'fastify';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import { authenticate, refuseEmptyNames, type TokenAuthority } from './authenticate.ts';
import { parseVersion, supportedVersion } from './microversion.ts';

/**
 * What every compute request passes before its route, in Nova's order: token, microversion, project in the
 * path. A token without a project may look (it sees nothing) but not act.
 */
export function guardCompute(app: FastifyInstance, authority: TokenAuthority): void {
  app.addHook('onRequest', async (request) => {
    const is_public = request.routeOptions.config.public === true;
    if (!is_public) await authenticate(request, authority);
    refuseEmptyNames(request);
    negotiate(request);
    if (!is_public) checkProject(request);
  });
}

function negotiate(request: FastifyRequest): void {
  if (request.mount.version === 'v2') return;
  const asked = parseVersion(request.headers);
  request.context.answered_version = asked.text;
  request.context.microversion = supportedVersion(asked);
}

function checkProject(request: FastifyRequest): void {
  const { caller, mount } = request;
  if (mount.url_project_id !== null && mount.url_project_id !== caller.project_id)
    throw new DroverError('project_mismatch', {
      url_project: mount.url_project_id,
      token_project: caller.is_scoped ? caller.project_id : 'None',
    });
  if (!caller.is_scoped && request.method !== 'GET') throw new DroverError('token_without_project');
}
