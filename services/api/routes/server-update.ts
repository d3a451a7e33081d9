import type { FastifyInstance } from 'fastify';
import type { JsonSchema } from '../http/json-schema.ts';
import type { Microversion } from '../http/microversion.ts';
import { nameSchema, validateBody, type BodySchema } from '../http/validate.ts';
import { serverPolicies } from '../policies/server-policies.ts';
import type { ApiServices } from '../services.ts';
import { serverView } from '../views/server-view.ts';
import { allow, requireServer } from './server-access.ts';
import { serverViewOptions } from './servers.ts';

interface UpdateBody {
  readonly server: {
    readonly name?: string;
    readonly description?: string | null;
    readonly hostname?: string;
    readonly accessIPv4?: string;
    readonly accessIPv6?: string;
    readonly 'OS-DCF:diskConfig'?: 'AUTO' | 'MANUAL';
  };
}

export const descriptionSchema: JsonSchema = { type: ['string', 'null'], minLength: 0, maxLength: 255 };
/** Host names of guests: letters, digits and hyphens, no dots before 2.94. */
export const guestHostnameSchema: JsonSchema = {
  type: 'string',
  minLength: 2,
  maxLength: 63,
  pattern: '^[a-zA-Z0-9]+[a-zA-Z0-9-]*[a-zA-Z0-9]+$',
};
export const addressV4Schema: JsonSchema = { type: 'string', format: 'ipv4' };
export const addressV6Schema: JsonSchema = { type: 'string', format: 'ipv6' };
export const diskConfigSchema: JsonSchema = { type: 'string', enum: ['AUTO', 'MANUAL'] };

function bodyAt(version: Microversion): BodySchema<UpdateBody> {
  return {
    schema: {
      type: 'object',
      properties: {
        server: {
          type: 'object',
          properties: {
            name: nameSchema,
            'OS-DCF:diskConfig': diskConfigSchema,
            accessIPv4: addressV4Schema,
            accessIPv6: addressV6Schema,
            ...(version.atLeast(2, 19) ? { description: descriptionSchema } : {}),
            ...(version.atLeast(2, 90) ? { hostname: guestHostnameSchema } : {}),
          },
          additionalProperties: false,
        },
      },
      required: ['server'],
      additionalProperties: false,
    },
  };
}

/** PUT /servers/{id}: name, description, access addresses, disk config. */
export function registerServerUpdateRoutes(app: FastifyInstance, services: ApiServices): void {
  app.put<{ Params: { server_id: string } }>('/servers/:server_id', async (request) => {
    const { server: wanted } = validateBody(bodyAt(request.microversion), request.body);
    const server = await requireServer(services, request, request.params.server_id);
    allow(services, request, serverPolicies.update, server);
    await services.pool.query(
      `update instances
       set name = coalesce($2, name), description = case when $3 then $4 else description end,
           hostname = coalesce($5, hostname), access_ip_v4 = coalesce($6, access_ip_v4),
           access_ip_v6 = coalesce($7, access_ip_v6), disk_config = coalesce($8, disk_config), updated_at = now()
       where uuid = $1 and deleted_at is null`,
      [
        server.uuid,
        wanted.name ?? null,
        wanted.description !== undefined,
        wanted.description ?? null,
        wanted.hostname ?? null,
        wanted.accessIPv4 ?? null,
        wanted.accessIPv6 ?? null,
        wanted['OS-DCF:diskConfig'] ?? null,
      ],
    );
    const changed = await requireServer(services, request, request.params.server_id);
    return { server: serverView(changed, serverViewOptions(services, request, 'update', changed)) };
  });
}
