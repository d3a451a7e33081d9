import type { FastifyInstance } from 'fastify';
import { hostPolicies } from '../policies/host-policies.ts';
import type { ApiServices } from '../services.ts';
import { zoneSummaries, zoneViews } from '../views/availability-zone-view.ts';
import { allow } from './server-access.ts';
import { findServices } from './services.ts';

/** /os-availability-zone: what the metadata of aggregates makes of the hosts. */
export function registerAvailabilityZoneRoutes(app: FastifyInstance, services: ApiServices): void {
  app.get('/os-availability-zone', async (request) => {
    allow(services, request, hostPolicies.zones);
    return { availabilityZoneInfo: zoneSummaries(await findServices(services, {})) };
  });

  app.get('/os-availability-zone/detail', async (request) => {
    allow(services, request, hostPolicies.zones_detail);
    return { availabilityZoneInfo: zoneViews(await findServices(services, {})) };
  });
}
