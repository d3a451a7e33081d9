import type { FastifyInstance } from 'fastify';
import type { ApiServices } from '../services.ts';
import type { IdentityTokens } from './token-authority.ts';

/** All routes of the identity API, below /identity. */
export function registerIdentity(
  _app: FastifyInstance,
  _services: ApiServices,
  _tokens: IdentityTokens,
): void {}
