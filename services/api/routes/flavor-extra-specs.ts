import type { FastifyInstance } from 'fastify';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import type { JsonSchema } from '../http/json-schema.ts';
import { bodySchema, validateBody } from '../http/validate.ts';
import { flavorPolicies } from '../policies/flavor-policies.ts';
import { deleteExtraSpec, setExtraSpecs } from '../queries/flavors.ts';
import type { ApiServices } from '../services.ts';
import { requireFlavor } from './flavors.ts';
import { allow } from './server-access.ts';

/** Values may be numbers in the request and stay what they were in the answer, as with Nova; they are kept as text. */
const specs: JsonSchema = {
  type: 'object',
  patternProperties: {
    '^[a-zA-Z0-9-_:. ]{1,255}$': { type: ['string', 'number'], maxLength: 255 },
  },
  additionalProperties: false,
};
type Specs = Readonly<Record<string, string | number>>;

const createBody = bodySchema<{ readonly extra_specs: Specs }>({
  type: 'object',
  properties: { extra_specs: specs },
  required: ['extra_specs'],
  additionalProperties: false,
});
const updateBody = bodySchema<Specs>({ ...specs, minProperties: 1, maxProperties: 1 });

type OfFlavor = { Params: { id: string } };
type OfKey = { Params: { id: string; key: string } };

/** /flavors/{id}/os-extra_specs */
export function registerFlavorExtraSpecRoutes(app: FastifyInstance, services: ApiServices): void {
  app.get<OfFlavor>('/flavors/:id/os-extra_specs', async (request) => {
    allow(services, request, flavorPolicies.extra_specs);
    return { extra_specs: (await requireFlavor(services, request, request.params.id)).extra_specs };
  });

  app.post<OfFlavor>('/flavors/:id/os-extra_specs', async (request) => {
    const { extra_specs } = validateBody(createBody, request.body);
    allow(services, request, flavorPolicies.create_extra_specs);
    const flavor = await requireFlavor(services, request, request.params.id);
    await setExtraSpecs(services.pool, flavor.id, texts(extra_specs));
    return { extra_specs };
  });

  app.get<OfKey>('/flavors/:id/os-extra_specs/:key', async (request) => {
    allow(services, request, flavorPolicies.extra_spec);
    const { id, key } = request.params;
    const value = (await requireFlavor(services, request, id)).extra_specs[key];
    if (value === undefined) throw new DroverError('flavor_extra_spec_not_found', { flavor: id, key });
    return { [key]: value };
  });

  app.put<OfKey>('/flavors/:id/os-extra_specs/:key', async (request) => {
    const body = validateBody(updateBody, request.body);
    allow(services, request, flavorPolicies.update_extra_spec);
    const { id, key } = request.params;
    if (!Object.hasOwn(body, key))
      throw new DroverError('validation_failed', { message: 'Request body and URI mismatch' });
    const flavor = await requireFlavor(services, request, id);
    await setExtraSpecs(services.pool, flavor.id, texts(body));
    return body;
  });

  app.delete<OfKey>('/flavors/:id/os-extra_specs/:key', async (request, reply) => {
    allow(services, request, flavorPolicies.delete_extra_spec);
    const { id, key } = request.params;
    const flavor = await requireFlavor(services, request, id);
    if (!(await deleteExtraSpec(services.pool, flavor.id, key))) {
      throw new DroverError('flavor_extra_spec_not_found', { flavor: id, key });
    }
    return reply.code(200).send();
  });
}

const texts = (values: Specs): Record<string, string> =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [key, String(value)]));
