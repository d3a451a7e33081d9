import type { FastifyRequest } from 'fastify';
import { inTransaction } from '../../../shared/database/connect.ts';
import { appendOutbox } from '../../../shared/database/outbox.ts';
import { instanceId, operationId, requestId } from '../../../shared/domain/ids.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import { bodySchema, lastValue, limitSchema, validateBody, validateQuery } from '../http/validate.ts';
import { requestCancel } from '../operations/request-cancel.ts';
import { wake } from '../operations/request-operation.ts';
import { requestMigrate } from '../operations/request-migrate.ts';
import { requestPause } from '../operations/request-pause.ts';
import { serverPolicies } from '../policies/server-policies.ts';
import { allow, requesterOf, requireServer } from '../routes/server-access.ts';
import { copyDefaults, hostNameSchema } from '../routes/server-actions/migrate.ts';
import { transferLimits } from '../../scheduler/settings.ts';
import type { ApiServices, RegisterRoutes } from '../services.ts';
import { findMigrations, findSteps, type MigrationRecord } from './migration-query.ts';
import { migrationView, stepView } from './migration-view.ts';
import { pauseEffect } from './pause-effect.ts';
import { readQueuePlaces, type QueuePlace } from './queue-view.ts';
import { droverPolicies } from './policies.ts';

const PAGE_LIMIT_MAX = 1000;
const uuidSchema = { type: 'string', format: 'uuid' } as const;
const wordSchema = { type: 'string', minLength: 1, maxLength: 255 } as const;

const listQuery = {
  parameters: {
    server: uuidSchema,
    host: wordSchema,
    status: wordSchema,
    marker: uuidSchema,
    limit: limitSchema,
  },
  allows_others: false,
};

const limitOfOneSchema = { type: 'integer', minimum: 0, maximum: 2 ** 52 } as const;
const prioritySchema = { type: 'integer', minimum: -1000, maximum: 1000 } as const;

const changeBody = bodySchema<Change>({
  type: 'object',
  properties: { limit_bytes_per_second: limitOfOneSchema, priority: prioritySchema },
  minProperties: 1,
  additionalProperties: false,
});

interface Change {
  readonly limit_bytes_per_second?: number;
  readonly priority?: number;
}

const createBody = bodySchema<{
  readonly server: string;
  readonly host?: string;
  readonly limit_bytes_per_second?: number;
  readonly if_cluster_version?: number;
  readonly priority?: number;
  readonly mode?: 'cold' | 'warm';
  readonly downtime_budget_seconds?: number;
}>({
  type: 'object',
  properties: {
    server: uuidSchema,
    host: { type: 'string', ...hostNameSchema },
    limit_bytes_per_second: limitOfOneSchema,
    priority: prioritySchema,
    if_cluster_version: { type: 'integer', minimum: 0, maximum: 2 ** 52 },
    mode: { type: 'string', enum: ['cold', 'warm'] },
    downtime_budget_seconds: { type: 'number', minimum: 0, maximum: 86_400 },
  },
  required: ['server'],
  additionalProperties: false,
});

type OfMigration = { Params: { migration: string } };

/** /drover/v1/migrations: the whole record of a move, its progress, and what a person may do to it. */
export const registerDroverMigrations: RegisterRoutes = (app, services) => {
  app.get('/migrations', async (request) => {
    authorize(services, request, droverPolicies.migrations);
    const query = validateQuery(listQuery, request.query);
    const text = (name: 'server' | 'host' | 'status' | 'marker') => {
      const value = lastValue(query, name);
      return value === undefined ? {} : { [name]: value };
    };
    const limit = Math.min(Number(lastValue(query, 'limit') ?? PAGE_LIMIT_MAX), PAGE_LIMIT_MAX);
    const rows = await findMigrations(services.pool, {
      ...text('server'),
      ...text('host'),
      ...text('status'),
      ...text('marker'),
      limit,
    });
    const places = await placesOf(services, rows);
    return { migrations: rows.map((row) => migrationView(row, places)) };
  });

  app.post('/migrations', async (request, reply) => {
    const wish = validateBody(createBody, request.body);
    const server = await requireServer(services, request, wish.server);
    allow(services, request, serverPolicies.migrate, { project_id: server.project_id });
    const { limit_bytes_per_second, if_cluster_version, priority, mode, downtime_budget_seconds } = wish;
    // Where projects may migrate their own servers, they may not go before the others for that.
    if (priority !== undefined) authorize(services, request, droverPolicies.change_migration);
    await requestMigrate(services, requesterOf(request), instanceId(server.uuid), {
      host: wish.host ?? null,
      service_down_time_seconds: services.configuration.DEFAULT.service_down_time,
      defaults: copyDefaults(services.configuration),
      ...(priority === undefined ? {} : { priority }),
      ...(mode === undefined ? {} : { mode }),
      ...(downtime_budget_seconds === undefined ? {} : { downtime_budget_seconds }),
      further: {
        ...(limit_bytes_per_second === undefined ? {} : { limit_bytes_per_second }),
        ...(if_cluster_version === undefined ? {} : { if_cluster_version }),
      },
    });
    const [row] = await findMigrations(services.pool, { server: server.uuid, limit: 1 });
    return reply.code(202).send({ migration: row === undefined ? null : migrationView(row, new Map()) });
  });

  app.get<OfMigration>('/migrations/:migration', async (request) => {
    authorize(services, request, droverPolicies.migrations);
    const row = await requireMigration(services, request.params.migration);
    const steps = await findSteps(services.pool, row.uuid);
    const view = migrationView(row, await placesOf(services, [row]));
    return { migration: { ...view, steps: steps.map((step) => stepView(step)) } };
  });

  app.put<OfMigration>('/migrations/:migration', async (request) => {
    const change = validateBody(changeBody, request.body);
    authorize(services, request, droverPolicies.change_migration);
    const row = await requireMigration(services, request.params.migration);
    await applyChange(services, request, row, change);
    const changed = await requireMigration(services, row.uuid);
    return { migration: migrationView(changed, await placesOf(services, [changed])) };
  });

  app.post<OfMigration>('/migrations/:migration/cancel', async (request, reply) => {
    authorize(services, request, droverPolicies.cancel_migration);
    const row = await requireMigration(services, request.params.migration);
    if (row.operation_kind !== 'cold' || row.operation_state !== 'running') {
      throw new DroverError('migration_not_running', { migration: row.uuid, status: row.status });
    }
    await requestCancel(services, requesterOf(request), instanceId(row.instance_uuid), String(row.id));
    const effect =
      `The move of ${row.instance_uuid} stops at ${row.phase}; the server is given back on ` +
      `${row.source_compute} as it was (${row.old_vm_state}), and ${row.dest_compute ?? 'the target'} is cleaned up.`;
    return reply.code(202).send({ cancel: { migration_id: row.uuid, effect } });
  });

  for (const [word, paused] of [
    ['pause', true],
    ['unpause', false],
  ] as const) {
    app.post<OfMigration>(`/migrations/:migration/${word}`, async (request, reply) => {
      authorize(services, request, droverPolicies.pause_migration);
      const row = await requireMigration(services, request.params.migration);
      const step = await requestPause(services, requesterOf(request), row, paused);
      const effect = pauseEffect(step, paused, row.was_running ?? row.old_vm_state === 'active');
      return reply.code(202).send({ [word]: { migration_id: row.uuid, effect } });
    });
  }
};

/** Takes effect on a running copy within a second: the scheduler, woken, tells the source. */
async function applyChange(
  services: ApiServices,
  request: FastifyRequest,
  row: MigrationRecord,
  { limit_bytes_per_second, priority }: Change,
): Promise<void> {
  const { operation_id } = row;
  if (operation_id === null || row.operation_kind !== 'cold' || row.operation_state !== 'running') {
    throw new DroverError('migration_not_running', { migration: row.uuid, status: row.status });
  }
  await inTransaction(services.pool, async (transaction) => {
    await transaction.query(
      `update operations set priority = coalesce($2, priority), updated_at = now(), request = case
         when $3::bigint is null then request
         else request || jsonb_build_object('limit_bytes_per_second', $3::bigint) end
       where id = $1`,
      [operation_id, priority ?? null, limit_bytes_per_second ?? null],
    );
    await transaction.query(
      `update migrations set limit_bytes_per_second = coalesce($2, limit_bytes_per_second), updated_at = now()
       where uuid = $1`,
      [row.uuid, limit_bytes_per_second ?? null],
    );
    await appendOutbox(transaction, [wake(requestId(request.request_id), operationId(operation_id))]);
  });
  services.wakeOutbox();
}

/** Only asked for when somebody waits: most pages have nobody who does. */
async function placesOf(
  services: ApiServices,
  rows: readonly MigrationRecord[],
): Promise<ReadonlyMap<string, QueuePlace>> {
  if (rows.every(({ turn }) => turn !== 'waiting')) return new Map();
  return await readQueuePlaces(services.pool, transferLimits(services.configuration));
}

async function requireMigration(services: ApiServices, word: string): Promise<MigrationRecord> {
  const well_formed = /^(?:\d{1,9}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i.test(word);
  const [row] = well_formed ? await findMigrations(services.pool, { migration: word, limit: 1 }) : [];
  if (row === undefined) throw new DroverError('migration_not_found', { migration: word });
  return row;
}

function authorize(services: ApiServices, request: FastifyRequest, rule: string): void {
  services.policy.authorize(rule, { project_id: request.caller.project_id }, request.caller);
}
