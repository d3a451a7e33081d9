import type { FastifyInstance, FastifyRequest } from 'fastify';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import type { JsonSchema } from '../http/json-schema.ts';
import { lastValue, validateQuery } from '../http/validate.ts';
import { servicePolicies } from '../policies/service-policies.ts';
import {
  deleteService,
  listServices,
  servicesUse,
  type ServiceRow,
  type ServiceSearch,
} from '../queries/services.ts';
import type { ApiServices } from '../services.ts';
import { serviceView } from '../views/service-view.ts';
import { allow, versionCheck } from './server-access.ts';

const text: JsonSchema = { type: 'string' };
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/** GET and DELETE of /os-services. Changes are in service-update.ts. */
export function registerServiceRoutes(app: FastifyInstance, services: ApiServices): void {
  app.get('/os-services', async (request) => {
    const atLeast = versionCheck(request);
    const query = validateQuery(
      { parameters: { host: text, binary: text }, allows_others: !atLeast(75) },
      request.query,
    );
    allow(services, request, servicePolicies.list);
    const host = lastValue(query, 'host');
    const binary = lastValue(query, 'binary');
    const rows = await findServices(services, {
      ...(host === undefined ? {} : { host }),
      ...(binary === undefined ? {} : { binary }),
    });
    return { services: rows.map((row) => serviceView(row, atLeast)) };
  });

  app.delete<{ Params: { id: string } }>('/os-services/:id', async (request, reply) => {
    allow(services, request, servicePolicies.delete);
    const row = await serviceToDelete(services, request, request.params.id);
    const use = await servicesUse(services.pool, row.host);
    if (row.binary_name === 'nova-compute' && use.instances > 0)
      throw new DroverError('service_hosts_instances');
    if (row.binary_name === 'nova-compute' && use.migrations > 0)
      throw new DroverError('service_has_migrations');
    if (!(await deleteService(services.pool, row.id))) throw new DroverError('service_hosts_instances');
    return reply.code(204).send();
  });
}

/** Reads services with this api's settings. */
export async function findServices(services: ApiServices, search: ServiceSearch): Promise<ServiceRow[]> {
  const { service_down_time, default_availability_zone } = services.configuration.DEFAULT;
  return listServices(services.pool, search, {
    service_down_time_seconds: service_down_time,
    default_availability_zone,
  });
}

/** @throws DroverError service_uuid_invalid for what is no UUID, from 2.53 on */
export function checkServiceUuid(id: string): void {
  if (!UUID.test(id)) throw new DroverError('service_uuid_invalid', { service: id });
}

async function serviceToDelete(
  services: ApiServices,
  request: FastifyRequest,
  id: string,
): Promise<ServiceRow> {
  const by_uuid = request.microversion.atLeast(2, 53);
  if (by_uuid) checkServiceUuid(id);
  else if (!/^\d{1,9}$/.test(id)) {
    throw new DroverError('validation_failed', {
      message: `invalid literal for int() with base 10: '${id}'`,
    });
  }
  const [row] = await findServices(services, by_uuid ? { uuid: id } : { id: Number(id) });
  if (row === undefined) throw new DroverError('service_to_delete_not_found', { service: id });
  return row;
}
