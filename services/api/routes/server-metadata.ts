import type { FastifyInstance, FastifyRequest } from 'fastify';
import { inTransaction } from '../../../shared/database/connect.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import type { JsonSchema } from '../http/json-schema.ts';
import { validateBody, type BodySchema } from '../http/validate.ts';
import { checkLock, lockInstance } from '../operations/instance-guard.ts';
import { serverPolicies } from '../policies/server-policies.ts';
import { readLimit } from '../queries/quota-usage.ts';
import type { ServerRow } from '../queries/server-row.ts';
import type { ApiServices } from '../services.ts';
import { allow, requireServer } from './server-access.ts';

type Metadata = Readonly<Record<string, string>>;
interface OfServer {
  Params: { server_id: string };
}
interface OfItem {
  Params: { server_id: string; key: string };
}

/** Keys of up to 255 letters, digits and `-_:. `; values up to 255 characters. */
export const metadataSchema: JsonSchema = {
  type: 'object',
  patternProperties: { '^[a-zA-Z0-9-_:. ]{1,255}$': { type: 'string', maxLength: 255 } },
  additionalProperties: false,
};
const wholeBody: BodySchema<{ metadata: Metadata }> = bodyOf('metadata', metadataSchema);
const itemBody: BodySchema<{ meta: Metadata }> = bodyOf('meta', {
  ...metadataSchema,
  minProperties: 1,
  maxProperties: 1,
});

function bodyOf<Body>(name: string, value: JsonSchema): BodySchema<Body> {
  return {
    schema: { type: 'object', properties: { [name]: value }, required: [name], additionalProperties: false },
  };
}

/** /servers/{id}/metadata[/{key}]. Works in every state of the server; a lock stops who is no administrator. */
export function registerServerMetadataRoutes(app: FastifyInstance, services: ApiServices): void {
  app.get<OfServer>('/servers/:server_id/metadata', async (request) => {
    const server = await requireServer(services, request, request.params.server_id);
    allow(services, request, serverPolicies.metadata_list, server);
    return { metadata: server.metadata };
  });

  app.post<OfServer>('/servers/:server_id/metadata', async (request) => {
    const { metadata: added } = validateBody(wholeBody, request.body);
    const server = await requireServer(services, request, request.params.server_id);
    allow(services, request, serverPolicies.metadata_create, server);
    return { metadata: await changeMetadata(services, request, server, (now) => ({ ...now, ...added })) };
  });

  app.put<OfServer>('/servers/:server_id/metadata', async (request) => {
    const { metadata } = validateBody(wholeBody, request.body);
    const server = await requireServer(services, request, request.params.server_id);
    allow(services, request, serverPolicies.metadata_replace, server);
    return { metadata: await changeMetadata(services, request, server, () => metadata) };
  });

  app.get<OfItem>('/servers/:server_id/metadata/:key', async (request) => {
    const server = await requireServer(services, request, request.params.server_id);
    allow(services, request, serverPolicies.metadata_show, server);
    const { key } = request.params;
    if (!Object.hasOwn(server.metadata, key)) throw new DroverError('metadata_item_not_found');
    return { meta: { [key]: server.metadata[key] } };
  });

  app.put<OfItem>('/servers/:server_id/metadata/:key', async (request) => {
    const { meta } = validateBody(itemBody, request.body);
    const { key, server_id } = request.params;
    if (!Object.hasOwn(meta, key)) throw new DroverError('metadata_uri_mismatch');
    const server = await requireServer(services, request, server_id);
    allow(services, request, serverPolicies.metadata_update, server);
    await changeMetadata(services, request, server, (now) => ({ ...now, ...meta }));
    return { meta };
  });

  app.delete<OfItem>('/servers/:server_id/metadata/:key', async (request, reply) => {
    const { key, server_id } = request.params;
    const server = await requireServer(services, request, server_id);
    allow(services, request, serverPolicies.metadata_delete, server);
    await changeMetadata(services, request, server, (now) => {
      if (!Object.hasOwn(now, key)) throw new DroverError('metadata_item_not_found');
      return Object.fromEntries(Object.entries(now).filter(([name]) => name !== key));
    });
    return reply.code(204).send();
  });
}

/** Reads, changes and writes under the row's lock, so that two changes at once are both kept. */
async function changeMetadata(
  services: ApiServices,
  request: FastifyRequest,
  server: ServerRow,
  change: (now: Metadata) => Metadata,
): Promise<Metadata> {
  return await inTransaction(services.pool, async (transaction) => {
    const locked = await lockInstance(transaction, server.uuid);
    checkLock(locked, request.caller.is_admin);
    const found = await transaction.query<{ metadata: Metadata }>(
      'select metadata from instances where uuid = $1',
      [server.uuid],
    );
    const next = change(found.rows[0]?.metadata ?? {});
    const { quota } = services.configuration;
    const limit = await readLimit(transaction, server.project_id, 'metadata_items', quota);
    if (limit >= 0 && Object.keys(next).length > limit) throw new DroverError('metadata_limit', { limit });
    await transaction.query('update instances set metadata = $2, updated_at = now() where uuid = $1', [
      server.uuid,
      JSON.stringify(next),
    ]);
    return next;
  });
}
