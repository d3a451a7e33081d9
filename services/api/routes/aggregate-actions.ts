import type { FastifyInstance, FastifyRequest } from 'fastify';
import { inTransaction } from '../../../shared/database/connect.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import type { JsonSchema } from '../http/json-schema.ts';
import { requireVersion } from '../http/microversion.ts';
import { bodySchema, validateBody } from '../http/validate.ts';
import { hostPolicies } from '../policies/host-policies.ts';
import { addMember, lockHosts, removeMember } from '../queries/aggregate-hosts.ts';
import { changeMetadata, lockAggregate, readAggregate, type AggregateRow } from '../queries/aggregates.ts';
import type { ApiServices } from '../services.ts';
import { aggregateView } from '../views/aggregate-view.ts';
import { checkZone, zoneConflict } from './aggregate-zone.ts';
import { aggregateId } from './aggregates.ts';
import { actionOf } from './server-actions/register.ts';
import { allow, versionCheck } from './server-access.ts';

const only = (name: string, property: string, schema: JsonSchema): JsonSchema => ({
  type: 'object',
  properties: {
    [name]: {
      type: 'object',
      properties: { [property]: schema },
      required: [property],
      additionalProperties: false,
    },
  },
  required: [name],
  additionalProperties: false,
});
const host: JsonSchema = { type: 'string', minLength: 1, maxLength: 255, pattern: '^[a-zA-Z0-9-._]*$' };
const metadata: JsonSchema = {
  type: 'object',
  patternProperties: { '^[a-zA-Z0-9-_:. ]{1,255}$': { type: ['string', 'null'], maxLength: 255 } },
  additionalProperties: false,
};

const addBody = bodySchema<{ readonly add_host: { readonly host: string } }>(only('add_host', 'host', host));
const removeBody = bodySchema<{ readonly remove_host: { readonly host: string } }>(
  only('remove_host', 'host', host),
);
const metadataBody = bodySchema<{
  readonly set_metadata: { readonly metadata: Readonly<Record<string, string | null>> };
}>(only('set_metadata', 'metadata', metadata));
const imagesBody = bodySchema<{ readonly cache: ReadonlyArray<{ readonly id: string }> }>({
  type: 'object',
  properties: {
    cache: {
      type: 'array',
      minItems: 1,
      items: {
        type: 'object',
        properties: { id: { type: 'string', format: 'uuid' } },
        required: ['id'],
        additionalProperties: false,
      },
    },
  },
  required: ['cache'],
  additionalProperties: false,
});

type OfAggregate = { Params: { id: string } };

/** POST /os-aggregates/{id}/action and /images. Each answers 200 with the aggregate, images 202 with nothing. */
export function registerAggregateActionRoutes(app: FastifyInstance, services: ApiServices): void {
  app.post<OfAggregate>('/os-aggregates/:id/action', async (request) => {
    const { name } = actionOf(request.body);
    const perform = actions.get(name);
    if (perform === undefined) throw new DroverError('action_unknown', { action: name });
    const row = await perform(services, request, request.params.id);
    return { aggregate: aggregateView(row, versionCheck(request)) };
  });

  // A wish that agents may fulfil ahead of time: they fetch the images that they lack when a server needs them.
  app.post<OfAggregate>('/os-aggregates/:id/images', async (request, reply) => {
    requireVersion(request.microversion, { first: 81 });
    const { cache } = validateBody(imagesBody, request.body);
    allow(services, request, hostPolicies.images);
    if (new Set(cache.map((image) => image.id)).size < cache.length)
      throw new DroverError('aggregate_images_repeated');
    await readAggregate(services.pool, aggregateId(request.params.id));
    return reply.code(202).send();
  });
}

type Perform = (services: ApiServices, request: FastifyRequest, id: string) => Promise<AggregateRow>;

const actions: ReadonlyMap<string, Perform> = new Map([
  ['add_host', addHost],
  ['remove_host', removeHost],
  ['set_metadata', setMetadata],
]);

async function addHost(services: ApiServices, request: FastifyRequest, id: string): Promise<AggregateRow> {
  const { add_host } = validateBody(addBody, request.body);
  allow(services, request, hostPolicies.add_host);
  const aggregate_id = aggregateId(id);
  return inTransaction(services.pool, async (transaction) => {
    const aggregate = await lockAggregate(transaction, aggregate_id);
    const [found] = await lockHosts(transaction, [add_host.host]);
    if (found === undefined) throw new DroverError('aggregate_host_not_found', { host: add_host.host });
    const zone = aggregate.metadata['availability_zone'];
    const reason = zone === undefined ? null : await zoneConflict(transaction, aggregate, [found.name], zone);
    if (reason !== null)
      throw new DroverError('aggregate_addition_refused', { aggregate: aggregate_id, reason });
    await addMember(transaction, aggregate_id, found);
    return readAggregate(transaction, aggregate_id);
  });
}

async function removeHost(services: ApiServices, request: FastifyRequest, id: string): Promise<AggregateRow> {
  const { remove_host } = validateBody(removeBody, request.body);
  allow(services, request, hostPolicies.remove_host);
  const aggregate_id = aggregateId(id);
  return inTransaction(services.pool, async (transaction) => {
    if (!(await removeMember(transaction, aggregate_id, remove_host.host)))
      throw new DroverError('aggregate_lacks_host', { host: remove_host.host, aggregate: id });
    return readAggregate(transaction, aggregate_id);
  });
}

async function setMetadata(
  services: ApiServices,
  request: FastifyRequest,
  id: string,
): Promise<AggregateRow> {
  const changes = validateBody(metadataBody, request.body).set_metadata.metadata;
  allow(services, request, hostPolicies.set_metadata);
  const aggregate_id = aggregateId(id);
  return inTransaction(services.pool, async (transaction) => {
    const aggregate = await lockAggregate(transaction, aggregate_id);
    const zone = changes['availability_zone'];
    if (zone !== undefined) await checkZone(transaction, aggregate, zone, 'aggregate_metadata_refused');
    await changeMetadata(transaction, aggregate_id, changes);
    return readAggregate(transaction, aggregate_id);
  });
}
