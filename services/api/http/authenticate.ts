import type { FastifyRequest } from 'fastify';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import type { Caller } from '../request-context.ts';

/** Who can say whom a token belongs to: the built-in identity service. */
export interface TokenAuthority {
  /** Null: unknown, expired, revoked, or of somebody who is disabled. */
  authenticate(token: string): Promise<Caller | null>;
}

/**
 * Sets `request.caller` from `X-Auth-Token`.
 * @throws DroverError unauthenticated (401)
 */
export async function authenticate(request: FastifyRequest, authority: TokenAuthority): Promise<Caller> {
  const token = request.headers['x-auth-token'];
  const caller =
    typeof token === 'string' && token !== '' && token.length <= 255
      ? await authority.authenticate(token)
      : null;
  if (caller === null) throw new DroverError('unauthenticated');
  request.context.caller = caller;
  return caller;
}

/** An onRequest hook for everything that is not marked public. */
export function authenticateUnlessPublic(
  authority: TokenAuthority,
): (request: FastifyRequest) => Promise<void> {
  return async (request) => {
    if (request.routeOptions.config.public !== true) await authenticate(request, authority);
    refuseEmptyNames(request);
  };
}

/**
 * `/servers/` is not the server with the empty name: the router would take it for that.
 * @throws DroverError route_not_found
 */
export function refuseEmptyNames(request: FastifyRequest): void {
  const { params } = request;
  if (typeof params === 'object' && params !== null && Object.values(params).includes(''))
    throw new DroverError('route_not_found');
}
