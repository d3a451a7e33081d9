import type { FastifyInstance } from 'fastify';
import type { TokenAuthority } from '../http/authenticate.ts';
import type { ApiServices } from '../services.ts';

/** All routes of the image API, below /image. */
export function registerImage(
  _app: FastifyInstance,
  _services: ApiServices,
  _authority: TokenAuthority,
): void {}
