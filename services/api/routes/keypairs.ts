import type { FastifyInstance, FastifyRequest } from 'fastify';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import type { JsonSchema } from '../http/json-schema.ts';
import type { Microversion } from '../http/microversion.ts';
import { nextLinks, pageLimit } from '../http/pagination.ts';
import {
  lastValue,
  limitSchema,
  validateBody,
  validateQuery,
  type BodySchema,
  type QuerySchema,
} from '../http/validate.ts';
import { serverPolicies } from '../policies/server-policies.ts';
import { deleteKeypair, findKeypair, insertKeypair, listKeypairs } from '../queries/keypairs.ts';
import { readLimit } from '../queries/quota-usage.ts';
import type { ApiServices } from '../services.ts';
import { keypairDetailView, keypairView } from '../views/keypair-view.ts';
import { importPublicKey, makeKeypair } from './keypair-material.ts';
import { allow, versionCheck } from './server-access.ts';

interface CreateKeypairBody {
  readonly keypair: {
    readonly name: string;
    readonly public_key?: string;
    readonly type?: 'ssh' | 'x509';
    readonly user_id?: string;
  };
}
interface OfKeypair {
  Params: { name: string };
}

function createBodyAt(version: Microversion): BodySchema<CreateKeypairBody> {
  const name: JsonSchema = version.atLeast(2, 92)
    ? { type: 'string', minLength: 1, maxLength: 255, pattern: '^[a-zA-Z0-9-_ @.]+$' }
    : { type: 'string', minLength: 1, maxLength: 255, pattern: '^[a-zA-Z0-9-_ ]+$' };
  return {
    schema: {
      type: 'object',
      properties: {
        keypair: {
          type: 'object',
          properties: {
            name,
            public_key: { type: 'string' },
            ...(version.atLeast(2, 2) ? { type: { type: 'string', enum: ['ssh', 'x509'] } as const } : {}),
            ...(version.atLeast(2, 10) ? { user_id: { type: 'string' } as const } : {}),
          },
          required: version.atLeast(2, 92) ? ['name', 'public_key'] : ['name'],
          additionalProperties: false,
        },
      },
      required: ['keypair'],
      additionalProperties: false,
    },
  };
}

function querySchema(version: Microversion, isList: boolean): QuerySchema {
  const parameters: Record<string, JsonSchema> = {};
  if (version.atLeast(2, 10)) parameters['user_id'] = { type: 'string' };
  if (isList && version.atLeast(2, 35)) {
    parameters['limit'] = limitSchema;
    parameters['marker'] = { type: 'string' };
  }
  return { parameters, allows_others: !version.atLeast(2, 75) };
}

/** /os-keypairs: public keys of users. `user_id` (2.10) lets administrators act for others. */
export function registerKeypairRoutes(app: FastifyInstance, services: ApiServices): void {
  const userOf = (request: FastifyRequest, policy: string, isList = false): string => {
    const query = validateQuery(querySchema(request.microversion, isList), request.query);
    const user_id = lastValue(query, 'user_id') ?? request.caller.user_id;
    allow(services, request, policy, { project_id: request.caller.project_id, user_id });
    return user_id;
  };

  app.get('/os-keypairs', async (request) => {
    const user_id = userOf(request, serverPolicies.keypairs_list, true);
    const query = validateQuery(querySchema(request.microversion, true), request.query);
    const limit = pageLimit(lastValue(query, 'limit'), services.configuration.api.max_limit);
    const marker = lastValue(query, 'marker') ?? null;
    const rows = await listKeypairs(services.pool, user_id, { limit, marker });
    const atLeast = versionCheck(request);
    const links = atLeast(35)
      ? nextLinks(
          request,
          'os-keypairs',
          { items: rows.length, limit, last_id: rows.at(-1)?.name },
          services.configuration.api.compute_link_prefix,
        )
      : undefined;
    return {
      keypairs: rows.map((row) => ({ keypair: keypairView(row, atLeast) })),
      ...(links === undefined ? {} : { keypairs_links: links }),
    };
  });

  app.get<OfKeypair>('/os-keypairs/:name', async (request) => {
    const user_id = userOf(request, serverPolicies.keypairs_show);
    const row = await findKeypair(services.pool, user_id, request.params.name);
    if (row === null)
      throw new DroverError('keypair_not_found', { name: request.params.name, user: user_id });
    return { keypair: keypairDetailView(row, versionCheck(request)) };
  });

  app.post('/os-keypairs', async (request, reply) => {
    const { keypair } = validateBody(createBodyAt(request.microversion), request.body);
    const user_id = keypair.user_id ?? request.caller.user_id;
    allow(services, request, serverPolicies.keypairs_create, {
      project_id: request.caller.project_id,
      user_id,
    });
    if (keypair.type === 'x509')
      throw new DroverError('keypair_invalid', { reason: 'certificates are not supported' });
    const material =
      keypair.public_key === undefined ? await makeKeypair() : importPublicKey(keypair.public_key);
    const { pool, configuration } = services;
    const limit = await readLimit(pool, request.caller.project_id, 'key_pairs', configuration.quota);
    const { public_key, fingerprint, private_key } = material;
    const row = await insertKeypair(
      pool,
      { user_id, name: keypair.name, type: 'ssh', public_key, fingerprint },
      limit,
    );
    const view = { ...keypairView(row, versionCheck(request)), user_id };
    reply.code(request.microversion.atLeast(2, 2) ? 201 : 200);
    return { keypair: private_key === null ? view : { ...view, private_key } };
  });

  app.delete<OfKeypair>('/os-keypairs/:name', async (request, reply) => {
    const user_id = userOf(request, serverPolicies.keypairs_delete);
    if (!(await deleteKeypair(services.pool, user_id, request.params.name)))
      throw new DroverError('keypair_not_found', { name: request.params.name, user: user_id });
    return reply.code(request.microversion.atLeast(2, 2) ? 204 : 202).send();
  });
}
