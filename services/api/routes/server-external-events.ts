import type { FastifyInstance } from 'fastify';
import type { Microversion } from '../http/microversion.ts';
import { bodySchema, validateBody } from '../http/validate.ts';
import type { ApiServices } from '../services.ts';

interface ExternalEvent {
  readonly name: string;
  readonly server_uuid: string;
  readonly status?: string;
  readonly tag?: string;
}

/** Events and the minor version each appeared in. */
const eventNames: readonly (readonly [minor: number, name: string])[] = [
  [1, 'network-changed'],
  [1, 'network-vif-plugged'],
  [1, 'network-vif-unplugged'],
  [1, 'network-vif-deleted'],
  [51, 'volume-extended'],
  [76, 'power-update'],
  [82, 'accelerator-request-bound'],
  [93, 'volume-reimaged'],
];

const schemaFor = (version: Microversion) =>
  bodySchema<{ events: readonly ExternalEvent[] }>({
    type: 'object',
    properties: {
      events: {
        type: 'array',
        minItems: 1,
        items: {
          type: 'object',
          properties: {
            server_uuid: { type: 'string', format: 'uuid' },
            name: {
              type: 'string',
              enum: eventNames.filter(([minor]) => version.atLeast(2, minor)).map(([, name]) => name),
            },
            status: { type: 'string', enum: ['failed', 'completed', 'in-progress'] },
            tag: { type: 'string', maxLength: 255 },
          },
          required: ['server_uuid', 'name'],
          additionalProperties: false,
        },
      },
    },
    required: ['events'],
    additionalProperties: false,
  });

/**
 * POST /os-server-external-events: what the network and volume services tell Nova. Nothing here waits for them, so
 * an event for a server that exists is simply taken. 207 when one of them cannot be.
 */
export function registerServerExternalEventsRoutes(
  app: FastifyInstance,
  { pool, policy }: ApiServices,
): void {
  app.post('/os-server-external-events', async (request, reply) => {
    const { events } = validateBody(schemaFor(request.microversion), request.body);
    policy.authorize('os_compute_api:os-server-external-events:create', {}, request.caller);
    const { rows } = await pool.query<{ uuid: string; host: string | null }>(
      `select uuid, host from instances where uuid::text = any ($1::text[]) and deleted_at is null`,
      [events.map((event) => event.server_uuid.toLowerCase())],
    );
    const hosts = new Map(rows.map((row) => [row.uuid, row.host]));
    const results = events.map((event) => {
      const host = hosts.get(event.server_uuid.toLowerCase());
      const code = host === undefined ? 404 : host === null ? 422 : 200;
      return { ...event, status: code === 200 ? (event.status ?? 'completed') : 'failed', code };
    });
    return reply.code(results.every(({ code }) => code === 200) ? 200 : 207).send({ events: results });
  });
}
