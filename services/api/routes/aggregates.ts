import type { FastifyInstance } from 'fastify';
import { inTransaction } from '../../../shared/database/connect.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import type { JsonSchema } from '../http/json-schema.ts';
import { bodySchema, nameSchema, validateBody } from '../http/validate.ts';
import { hostPolicies } from '../policies/host-policies.ts';
import {
  changeMetadata,
  deleteAggregate,
  insertAggregate,
  listAggregates,
  lockAggregate,
  readAggregate,
  renameAggregate,
} from '../queries/aggregates.ts';
import type { ApiServices } from '../services.ts';
import { aggregateView, newAggregateView } from '../views/aggregate-view.ts';
import { checkZone } from './aggregate-zone.ts';
import { allow, versionCheck } from './server-access.ts';

/** A colon would make `zone:host` of a server's request ambiguous. */
const zoneSchema: JsonSchema = { oneOf: [{ ...nameSchema, pattern: '^[^:]*$' }, { type: 'null' }] };
const properties = { name: nameSchema, availability_zone: zoneSchema };

const createBody = bodySchema<{
  readonly aggregate: { readonly name: string; readonly availability_zone?: string | null };
}>({
  type: 'object',
  properties: {
    aggregate: { type: 'object', properties, required: ['name'], additionalProperties: false },
  },
  required: ['aggregate'],
  additionalProperties: false,
});

const updateBody = bodySchema<{
  readonly aggregate: { readonly name?: string; readonly availability_zone?: string | null };
}>({
  type: 'object',
  properties: {
    aggregate: {
      type: 'object',
      properties,
      additionalProperties: false,
      anyOf: [{ required: ['name'] }, { required: ['availability_zone'] }],
    },
  },
  required: ['aggregate'],
  additionalProperties: false,
});

type OfAggregate = { Params: { id: string } };

/** /os-aggregates. Members and metadata are changed by actions (aggregate-actions.ts). */
export function registerAggregateRoutes(app: FastifyInstance, services: ApiServices): void {
  app.get('/os-aggregates', async (request) => {
    allow(services, request, hostPolicies.aggregates);
    const rows = await listAggregates(services.pool);
    const atLeast = versionCheck(request);
    return { aggregates: rows.map((row) => aggregateView(row, atLeast)) };
  });

  app.get<OfAggregate>('/os-aggregates/:id', async (request) => {
    allow(services, request, hostPolicies.aggregate);
    const row = await readAggregate(services.pool, aggregateId(request.params.id));
    return { aggregate: aggregateView(row, versionCheck(request)) };
  });

  app.post('/os-aggregates', async (request) => {
    const { aggregate } = validateBody(createBody, request.body);
    allow(services, request, hostPolicies.create_aggregate);
    const row = await insertAggregate(services.pool, {
      name: aggregate.name,
      availability_zone: aggregate.availability_zone ?? null,
    });
    return { aggregate: newAggregateView(row, versionCheck(request)) };
  });

  app.put<OfAggregate>('/os-aggregates/:id', async (request) => {
    const { name, availability_zone } = validateBody(updateBody, request.body).aggregate;
    allow(services, request, hostPolicies.update_aggregate);
    const id = aggregateId(request.params.id);
    const row = await inTransaction(services.pool, async (transaction) => {
      const found = await lockAggregate(transaction, id);
      if (name !== undefined) await renameAggregate(transaction, id, name);
      if (availability_zone !== undefined) {
        const renamed = name === undefined ? found : { ...found, name };
        await checkZone(transaction, renamed, availability_zone, 'aggregate_update_refused');
        await changeMetadata(transaction, id, { availability_zone });
      }
      return readAggregate(transaction, id);
    });
    return { aggregate: aggregateView(row, versionCheck(request)) };
  });

  app.delete<OfAggregate>('/os-aggregates/:id', async (request, reply) => {
    allow(services, request, hostPolicies.delete_aggregate);
    const id = aggregateId(request.params.id);
    await inTransaction(services.pool, async (transaction) => {
      const found = await lockAggregate(transaction, id);
      if (found.hosts.length > 0) throw new DroverError('aggregate_not_empty', { aggregate: id });
      await deleteAggregate(transaction, id);
    });
    return reply.code(200).send();
  });
}

/** The largest number that the database can give to an aggregate. */
const ID_MAX = 2_147_483_647;

/** @throws DroverError aggregate_id_invalid; aggregate_not_found for a number that no aggregate can have */
export function aggregateId(text: string): number {
  if (!/^\s*[+-]?\d+\s*$/.test(text)) throw new DroverError('aggregate_id_invalid');
  const id = Number(text);
  if (id < 1 || id > ID_MAX) throw new DroverError('aggregate_not_found', { aggregate: text.trim() });
  return id;
}
