import type { FastifyInstance, FastifyRequest } from 'fastify';
import { inTransaction } from '../../../shared/database/connect.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import type { JsonSchema } from '../http/json-schema.ts';
import { requireVersion } from '../http/microversion.ts';
import { validateBody, type BodySchema } from '../http/validate.ts';
import { lockInstance } from '../operations/instance-guard.ts';
import { serverPolicies } from '../policies/server-policies.ts';
import type { ServerRow } from '../queries/server-row.ts';
import type { ApiServices } from '../services.ts';
import { allow, linksOf, requireServer } from './server-access.ts';

const TAGS_MAX = 50;
const TAG_LENGTH_MAX = 60;
const FIRST_VERSION = 26;

interface OfServer {
  Params: { server_id: string };
}
interface OfTag {
  Params: { server_id: string; tag: string };
}

export const tagSchema: JsonSchema = {
  type: 'string',
  minLength: 1,
  maxLength: TAG_LENGTH_MAX,
  pattern: '^[^,/]*$',
};
const body: BodySchema<{ tags: string[] }> = {
  schema: {
    type: 'object',
    properties: { tags: { type: 'array', items: tagSchema, maxItems: TAGS_MAX } },
    required: ['tags'],
    additionalProperties: false,
  },
};

/** /servers/{id}/tags[/{tag}], from 2.26 on. */
export function registerServerTagRoutes(app: FastifyInstance, services: ApiServices): void {
  const open = async (request: FastifyRequest, id: string, policy: string): Promise<ServerRow> => {
    requireVersion(request.microversion, { first: FIRST_VERSION });
    const server = await requireServer(services, request, id);
    allow(services, request, policy, server);
    return server;
  };

  app.get<OfServer>('/servers/:server_id/tags', async (request) => {
    const server = await open(request, request.params.server_id, serverPolicies.tags_list);
    return { tags: server.tags };
  });

  app.put<OfServer>('/servers/:server_id/tags', async (request) => {
    requireVersion(request.microversion, { first: FIRST_VERSION });
    const { tags } = validateBody(body, request.body);
    const server = await open(request, request.params.server_id, serverPolicies.tags_replace);
    return { tags: await changeTags(services, server, () => [...new Set(tags)]) };
  });

  app.delete<OfServer>('/servers/:server_id/tags', async (request, reply) => {
    const server = await open(request, request.params.server_id, serverPolicies.tags_delete_all);
    await changeTags(services, server, () => []);
    return reply.code(204).send();
  });

  app.get<OfTag>('/servers/:server_id/tags/:tag', async (request, reply) => {
    const { tag } = request.params;
    const server = await open(request, request.params.server_id, serverPolicies.tags_show);
    if (!server.tags.includes(tag)) throw new DroverError('tag_not_found', { instance: server.uuid, tag });
    return reply.code(204).send();
  });

  app.put<OfTag>('/servers/:server_id/tags/:tag', async (request, reply) => {
    requireVersion(request.microversion, { first: FIRST_VERSION });
    const { tag } = request.params;
    checkTag(tag);
    const server = await open(request, request.params.server_id, serverPolicies.tags_update);
    let isNew = false;
    await changeTags(services, server, (now) => {
      isNew = !now.includes(tag);
      return isNew ? [...now, tag] : now;
    });
    if (!isNew) return reply.code(204).send();
    const location = linksOf(services, request).self('servers', server.uuid, 'tags', encodeURIComponent(tag));
    return reply.code(201).header('location', location).send();
  });

  app.delete<OfTag>('/servers/:server_id/tags/:tag', async (request, reply) => {
    const { tag } = request.params;
    const server = await open(request, request.params.server_id, serverPolicies.tags_delete);
    await changeTags(services, server, (now) => {
      if (!now.includes(tag)) throw new DroverError('tag_not_found', { instance: server.uuid, tag });
      return now.filter((one) => one !== tag);
    });
    return reply.code(204).send();
  });
}

function checkTag(tag: string): void {
  if (tag.length > TAG_LENGTH_MAX)
    throw new DroverError('tag_invalid', {
      tag,
      reason: `It may have at most ${TAG_LENGTH_MAX} characters.`,
    });
  if (/[,/]/.test(tag))
    throw new DroverError('tag_invalid', { tag, reason: 'It may not hold a slash or a comma.' });
}

/** Tags may change while the server is at rest or moving, but not while it is built or in error, as in Nova. */
async function changeTags(
  services: ApiServices,
  server: ServerRow,
  change: (now: readonly string[]) => readonly string[],
): Promise<readonly string[]> {
  return await inTransaction(services.pool, async (transaction) => {
    const locked = await lockInstance(transaction, server.uuid);
    if (locked.vm_state === 'building' || locked.vm_state === 'error')
      throw new DroverError('instance_state_conflict', {
        instance: server.uuid,
        action: 'update tags',
        attribute: 'vm_state',
        state: locked.vm_state,
      });
    const found = await transaction.query<{ tags: readonly string[] }>(
      'select tags from instances where uuid = $1',
      [server.uuid],
    );
    const next = change(found.rows[0]?.tags ?? []);
    if (next.length > TAGS_MAX) throw new DroverError('tag_limit', { limit: TAGS_MAX });
    await transaction.query('update instances set tags = $2, updated_at = now() where uuid = $1', [
      server.uuid,
      next,
    ]);
    return next;
  });
}
