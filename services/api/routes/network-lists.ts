import type { FastifyInstance } from 'fastify';
import { requireVersion } from '../http/microversion.ts';

/** The last version in which Nova answers for the networks. */
const LAST_MINOR = 35;

const lists = {
  'os-networks': 'networks',
  'os-tenant-networks': 'networks',
  'os-security-groups': 'security_groups',
  'os-floating-ips': 'floating_ips',
} as const;

/**
 * A client that finds no network service in the catalog asks Compute instead, as it did before there was one.
 * There are none of these here, and an empty list says so better than an error does.
 */
export function registerNetworkListRoutes(app: FastifyInstance): void {
  for (const [path, key] of Object.entries(lists))
    app.get(`/${path}`, (request) => {
      requireVersion(request.microversion, { last: LAST_MINOR });
      return { [key]: [] };
    });
}
