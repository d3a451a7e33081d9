import { randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { JsonSchema } from '../http/json-schema.ts';
import { requireVersion } from '../http/microversion.ts';
import { booleanSchema, booleanValue, bodySchema, nameSchema, validateBody } from '../http/validate.ts';
import { flavorPolicies } from '../policies/flavor-policies.ts';
import { deleteFlavor, describeFlavor, insertFlavor } from '../queries/flavors.ts';
import type { ApiServices } from '../services.ts';
import { flavorView } from '../views/flavor-view.ts';
import { showsExtraSpecs } from './flavors.ts';
import { allow, linksOf, versionCheck } from './server-access.ts';

/** The largest integer of Nova's columns. */
const INTEGER_MAX = 2_147_483_647;
const count = (minimum: number): JsonSchema => ({
  type: ['integer', 'string'],
  pattern: '^[0-9]*$',
  minimum,
  maximum: INTEGER_MAX,
});
const descriptionSchema: JsonSchema = { type: ['string', 'null'], minLength: 0, maxLength: 65_535 };

interface FlavorBody {
  readonly flavor: {
    readonly name: string;
    readonly id?: string | number | null;
    readonly ram: number | string;
    readonly vcpus: number | string;
    readonly disk: number | string;
    readonly 'OS-FLV-EXT-DATA:ephemeral'?: number | string;
    readonly swap?: number | string;
    readonly rxtx_factor?: number | string;
    readonly 'os-flavor-access:is_public'?: boolean | string;
    readonly description?: string | null;
  };
}

const createBody = (with_description: boolean) =>
  bodySchema<FlavorBody>({
    type: 'object',
    properties: {
      flavor: {
        type: 'object',
        properties: {
          name: nameSchema,
          id: { type: ['string', 'number', 'null'], minLength: 0, maxLength: 255 },
          ram: count(1),
          vcpus: count(1),
          disk: count(0),
          'OS-FLV-EXT-DATA:ephemeral': count(0),
          swap: count(0),
          rxtx_factor: {
            type: ['number', 'string'],
            pattern: String.raw`^[0-9]+(\.[0-9]+)?$`,
            exclusiveMinimum: 0,
          },
          'os-flavor-access:is_public': booleanSchema,
          ...(with_description ? { description: descriptionSchema } : {}),
        },
        required: ['name', 'ram', 'vcpus', 'disk'],
        additionalProperties: false,
      },
    },
    required: ['flavor'],
    additionalProperties: false,
  });
const createBodies = { plain: createBody(false), described: createBody(true) };

const updateBody = bodySchema<{ readonly flavor: { readonly description: string | null } }>({
  type: 'object',
  properties: {
    flavor: {
      type: 'object',
      properties: { description: descriptionSchema },
      required: ['description'],
      additionalProperties: false,
    },
  },
  required: ['flavor'],
  additionalProperties: false,
});

/** POST, PUT and DELETE of /flavors: the administrator's. */
export function registerFlavorManageRoutes(app: FastifyInstance, services: ApiServices): void {
  app.post('/flavors', async (request) => {
    const atLeast = versionCheck(request);
    const { flavor } = validateBody(atLeast(55) ? createBodies.described : createBodies.plain, request.body);
    allow(services, request, flavorPolicies.create);
    const isPublic = flavor['os-flavor-access:is_public'];
    const made = await insertFlavor(services.pool, {
      flavor_id:
        flavor.id === undefined || flavor.id === null || flavor.id === 'auto'
          ? randomUUID()
          : String(flavor.id),
      name: flavor.name.trim(),
      vcpus: Number(flavor.vcpus),
      memory_mb: Number(flavor.ram),
      root_gb: Number(flavor.disk),
      ephemeral_gb: Number(flavor['OS-FLV-EXT-DATA:ephemeral'] ?? 0),
      swap_mb: Number(flavor.swap ?? 0),
      rxtx_factor: Number(flavor.rxtx_factor ?? 1),
      is_public: isPublic === undefined || booleanValue(isPublic),
      description: flavor.description ?? null,
    });
    const shows = showsExtraSpecs(services, request);
    return { flavor: flavorView(made, linksOf(services, request), atLeast, shows) };
  });

  app.put<{ Params: { id: string } }>('/flavors/:id', async (request) => {
    requireVersion(request.microversion, { first: 55 });
    const { flavor } = validateBody(updateBody, request.body);
    allow(services, request, flavorPolicies.update);
    const changed = await describeFlavor(services.pool, request.params.id, flavor.description);
    const shows = showsExtraSpecs(services, request);
    return { flavor: flavorView(changed, linksOf(services, request), versionCheck(request), shows) };
  });

  app.delete<{ Params: { id: string } }>('/flavors/:id', async (request, reply) => {
    allow(services, request, flavorPolicies.delete);
    await deleteFlavor(services.pool, request.params.id);
    return reply.code(202).send();
  });
}
