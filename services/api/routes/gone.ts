import type { FastifyInstance } from 'fastify';
import { DroverError } from '../../../shared/errors/drover-error.ts';

/** APIs that Nova once had: it answers 410 for them, in every microversion. */
const removed = [
  'os-agents',
  'os-cells',
  'os-certificates',
  'os-cloudpipe',
  'os-consoles',
  'os-fixed-ips',
  'os-floating-ip-dns',
  'os-floating-ips-bulk',
  'os-fping',
  'os-security-group-default-rules',
];

/** 410 for everything below these names. */
export function registerGoneRoutes(app: FastifyInstance): void {
  for (const name of removed)
    for (const path of [`/${name}`, `/${name}/*`])
      app.route({
        method: ['GET', 'POST', 'PUT', 'DELETE'],
        url: path,
        handler: () => {
          throw new DroverError('resource_gone');
        },
      });
}
