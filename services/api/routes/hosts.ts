import type { FastifyInstance } from 'fastify';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import type { JsonSchema } from '../http/json-schema.ts';
import { requireVersion } from '../http/microversion.ts';
import { bodySchema, lastValue, validateBody, validateQuery } from '../http/validate.ts';
import { hostPolicies } from '../policies/host-policies.ts';
import { findHostResources } from '../queries/hosts.ts';
import { changeService, type ServiceRow } from '../queries/services.ts';
import type { ApiServices } from '../services.ts';
import { hostSummary, hostView } from '../views/host-view.ts';
import { allow } from './server-access.ts';
import { findServices } from './services.ts';

/** The last version that has this resource. */
const LAST_MINOR = 42;

type Wish = 'enable' | 'disable' | 'Enable' | 'Disable' | 'ENABLE' | 'DISABLE';
const wish: JsonSchema = {
  type: 'string',
  enum: ['enable', 'disable', 'Enable', 'Disable', 'ENABLE', 'DISABLE'],
};
const updateBody = bodySchema<{ readonly status?: Wish; readonly maintenance_mode?: Wish }>({
  type: 'object',
  properties: { status: wish, maintenance_mode: wish },
  additionalProperties: false,
});

const powerActions = {
  startup: hostPolicies.start_host,
  shutdown: hostPolicies.shut_host_down,
  reboot: hostPolicies.reboot_host,
} as const;

type OfHost = { Params: { host: string } };

/** /os-hosts, until 2.42. Hosts whose service is disabled are not listed (facts document, section 1.4). */
export function registerHostRoutes(app: FastifyInstance, services: ApiServices): void {
  app.get('/os-hosts', async (request) => {
    requireVersion(request.microversion, { last: LAST_MINOR });
    const query = validateQuery(
      { parameters: { zone: { type: 'string' } }, allows_others: true },
      request.query,
    );
    allow(services, request, hostPolicies.hosts);
    const zone = lastValue(query, 'zone');
    const rows = (await findServices(services, {})).filter(
      (row) => !row.disabled && (zone === undefined || zone === '' || row.zone === zone),
    );
    return { hosts: rows.map((row) => hostSummary(row)) };
  });

  app.get<OfHost>('/os-hosts/:host', async (request) => {
    requireVersion(request.microversion, { last: LAST_MINOR });
    allow(services, request, hostPolicies.host);
    const found = await findHostResources(services.pool, request.params.host);
    if (found === null) throw new DroverError('service_host_unknown', { host: request.params.host });
    return hostView(found);
  });

  app.put<OfHost>('/os-hosts/:host', async (request) => {
    requireVersion(request.microversion, { last: LAST_MINOR });
    const body = validateBody(updateBody, request.body);
    allow(services, request, hostPolicies.update_host);
    const { host } = request.params;
    const row = await requireComputeService(services, host);
    if (body.maintenance_mode !== undefined)
      throw new DroverError('host_power_unsupported', { action: 'maintenance_mode' });
    if (body.status === undefined) return { host };
    const disabled = body.status.toLowerCase() === 'disable';
    await changeService(services.pool, row.id, { disabled, disabled_reason: null });
    return { host, status: disabled ? 'disabled' : 'enabled' };
  });

  for (const [action, rule] of Object.entries(powerActions))
    app.get<OfHost>(`/os-hosts/:host/${action}`, async (request) => {
      requireVersion(request.microversion, { last: LAST_MINOR });
      allow(services, request, rule);
      await requireComputeService(services, request.params.host);
      throw new DroverError('host_power_unsupported', { action });
    });
}

/** @throws DroverError service_host_unknown */
async function requireComputeService(services: ApiServices, host: string): Promise<ServiceRow> {
  const [row] = await findServices(services, { host, binary: 'nova-compute' });
  if (row === undefined) throw new DroverError('service_host_unknown', { host });
  return row;
}
