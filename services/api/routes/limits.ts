import type { FastifyInstance } from 'fastify';
import { lastValue, validateQuery } from '../http/validate.ts';
import { projectPolicies } from '../policies/project-policies.ts';
import { readLimits, readUse } from '../queries/quotas.ts';
import type { ApiServices } from '../services.ts';
import { limitsView } from '../views/quota-view.ts';
import { allow, versionCheck } from './server-access.ts';

/** GET /limits: what the caller's project may have and what it has. `tenant_id` asks for another project. */
export function registerLimitRoutes(app: FastifyInstance, services: ApiServices): void {
  app.get('/limits', async (request) => {
    const atLeast = versionCheck(request);
    const query = validateQuery(
      // `reserved` changes nothing: a server counts from its request on.
      { parameters: { tenant_id: { type: 'string' }, reserved: {} }, allows_others: !atLeast(75) },
      request.query,
    );
    allow(services, request, projectPolicies.limits);
    const { project_id } = request.caller;
    const asked = lastValue(query, 'tenant_id') ?? project_id;
    if (asked !== project_id) allow(services, request, projectPolicies.limits_of_other);
    const { pool, configuration } = services;
    const [limits, used] = await Promise.all([
      readLimits(pool, asked, configuration.quota),
      readUse(pool, asked, configuration.quota),
    ]);
    return { limits: limitsView(limits, used, atLeast) };
  });
}
