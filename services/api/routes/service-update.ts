import type { FastifyInstance, FastifyRequest } from 'fastify';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import type { JsonSchema } from '../http/json-schema.ts';
import { booleanSchema, booleanValue, bodySchema, validateBody } from '../http/validate.ts';
import { servicePolicies } from '../policies/service-policies.ts';
import { changeService, type ServiceChange, type ServiceRow } from '../queries/services.ts';
import type { ApiServices } from '../services.ts';
import { serviceView } from '../views/service-view.ts';
import { checkServiceUuid, findServices } from './services.ts';
import { allow, versionCheck } from './server-access.ts';

const reason: JsonSchema = { type: 'string', minLength: 1, maxLength: 255 };
const host: JsonSchema = { type: 'string', minLength: 1, maxLength: 255, pattern: '^[a-zA-Z0-9-._]*$' };
const binary: JsonSchema = { type: 'string', minLength: 1, maxLength: 255 };

/** Before 2.53: PUT /os-services/{action} names the service by host and binary. */
interface ActionBody {
  readonly host: string;
  readonly binary: string;
  readonly disabled_reason?: string;
  readonly forced_down?: boolean | string;
}

/** From 2.53: PUT /os-services/{uuid}. */
interface UpdateBody {
  readonly status?: 'enabled' | 'disabled';
  readonly disabled_reason?: string;
  readonly forced_down?: boolean | string;
}

const actionBody = (with_forced_down: boolean) =>
  bodySchema<ActionBody>({
    type: 'object',
    properties: {
      host,
      binary,
      disabled_reason: reason,
      ...(with_forced_down ? { forced_down: booleanSchema } : {}),
    },
    required: ['host', 'binary'],
    additionalProperties: false,
  });
const actionBodies = { before_force_down: actionBody(false), with_force_down: actionBody(true) };

const updateBody = bodySchema<UpdateBody>({
  type: 'object',
  properties: {
    status: { type: 'string', enum: ['enabled', 'disabled'] },
    disabled_reason: reason,
    forced_down: booleanSchema,
  },
  additionalProperties: false,
});

export function registerServiceUpdateRoutes(app: FastifyInstance, services: ApiServices): void {
  app.put<{ Params: { id: string } }>('/os-services/:id', async (request) => {
    const { id } = request.params;
    return request.microversion.atLeast(2, 53)
      ? updateByUuid(services, request, id)
      : updateByHost(services, request, id);
  });
}

async function updateByUuid(services: ApiServices, request: FastifyRequest, id: string): Promise<object> {
  const body = validateBody(updateBody, request.body);
  allow(services, request, servicePolicies.update);
  checkServiceUuid(id);
  const [row] = await findServices(services, { uuid: id });
  if (row === undefined) throw new DroverError('service_not_found', { service: id });
  if (body.disabled_reason !== undefined && body.status === 'enabled') {
    throw new DroverError('service_reason_without_disable');
  }
  if (body.status === undefined && body.forced_down === undefined)
    throw new DroverError('service_update_empty');
  await changeService(services.pool, row.id, {
    ...(body.status === undefined
      ? {}
      : { disabled: body.status === 'disabled', disabled_reason: body.disabled_reason ?? null }),
    ...(body.forced_down === undefined ? {} : { forced_down: booleanValue(body.forced_down) }),
  });
  const [changed] = await findServices(services, { uuid: id });
  return { service: serviceView(changed ?? row, versionCheck(request)) };
}

async function updateByHost(services: ApiServices, request: FastifyRequest, action: string): Promise<object> {
  const with_force_down = request.microversion.atLeast(2, 11);
  const body = validateBody(
    with_force_down ? actionBodies.with_force_down : actionBodies.before_force_down,
    request.body,
  );
  allow(services, request, servicePolicies.update);
  const change = changeOf(action, body, with_force_down);
  const row = await serviceAt(services, body);
  await changeService(services.pool, row.id, change);
  const named = { host: body.host, binary: body.binary };
  if (change.forced_down !== undefined) return { service: { ...named, forced_down: change.forced_down } };
  return {
    service: {
      ...named,
      status: change.disabled === true ? 'disabled' : 'enabled',
      ...(action === 'disable-log-reason' ? { disabled_reason: change.disabled_reason } : {}),
    },
  };
}

/** @throws DroverError service_action_unknown */
function changeOf(action: string, body: ActionBody, with_force_down: boolean): ServiceChange {
  if (action === 'enable') return { disabled: false, disabled_reason: null };
  if (action === 'disable') return { disabled: true, disabled_reason: null };
  if (action === 'disable-log-reason') {
    if (body.disabled_reason === undefined) {
      throw new DroverError('validation_failed', { message: 'Missing disabled reason field' });
    }
    return { disabled: true, disabled_reason: body.disabled_reason };
  }
  if (action === 'force-down' && with_force_down) {
    if (body.forced_down === undefined) {
      throw new DroverError('validation_failed', { message: 'Missing forced_down field' });
    }
    return { forced_down: booleanValue(body.forced_down) };
  }
  throw new DroverError('service_action_unknown');
}

async function serviceAt(services: ApiServices, body: ActionBody): Promise<ServiceRow> {
  const [row] = await findServices(services, { host: body.host, binary: body.binary });
  if (row === undefined) throw new DroverError('service_host_unknown', { host: body.host });
  return row;
}
