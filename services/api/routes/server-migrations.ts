import type { FastifyInstance } from 'fastify';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import { requireVersion } from '../http/microversion.ts';
import { validateBody } from '../http/validate.ts';
import { checkLock } from '../operations/instance-guard.ts';
import { requestCancel } from '../operations/request-cancel.ts';
import { serverPolicies } from '../policies/server-policies.ts';
import { findMigrationOfServer, listMovingMigrations, movingStatuses } from '../queries/migrations.ts';
import type { ApiServices } from '../services.ts';
import { serverMigrationView } from '../views/migration-view.ts';
import { allow, requesterOf, requireServer, versionCheck } from './server-access.ts';
import { actionBody } from './server-actions/server-action.ts';

interface OfServer {
  Params: { server_id: string };
}
interface OfMigration {
  Params: { server_id: string; migration_id: string };
}

const forceComplete = actionBody('force_complete', { type: 'null' });

/**
 * /servers/{id}/migrations: what moves now. Nova shows live migrations only; ours are cold ones with true progress, and
 * DELETE stops them. For a migration that does not move any more every answer is Nova's (recordings server-migrations).
 */
export function registerServerMigrationRoutes(app: FastifyInstance, services: ApiServices): void {
  app.get<OfServer>('/servers/:server_id/migrations', async (request) => {
    requireVersion(request.microversion, { first: 23 });
    const server = await requireServer(services, request, request.params.server_id);
    allow(services, request, serverPolicies.server_migrations, server);
    const atLeast = versionCheck(request);
    const rows = await listMovingMigrations(services.pool, server.uuid);
    return { migrations: rows.map((row) => serverMigrationView(row, atLeast)) };
  });

  app.get<OfMigration>('/servers/:server_id/migrations/:migration_id', async (request) => {
    requireVersion(request.microversion, { first: 23 });
    const { server_id, migration_id } = request.params;
    const server = await requireServer(services, request, server_id);
    allow(services, request, serverPolicies.server_migration, server);
    const row = await findMigrationOfServer(services.pool, server.uuid, migration_id);
    const values = { migration: migration_id, instance: server.uuid };
    if (row === null) throw new DroverError('server_migration_not_found', values);
    if (!movingStatuses.includes(row.status)) throw new DroverError('server_migration_not_live', values);
    return { migration: serverMigrationView(row, versionCheck(request)) };
  });

  app.delete<OfMigration>('/servers/:server_id/migrations/:migration_id', async (request, reply) => {
    requireVersion(request.microversion, { first: 24 });
    const { server_id, migration_id } = request.params;
    const server = await requireServer(services, request, server_id);
    allow(services, request, serverPolicies.cancel, server);
    await requestCancel(services, requesterOf(request), server.uuid, migration_id);
    return reply.code(202).send();
  });

  app.post<OfMigration>('/servers/:server_id/migrations/:migration_id/action', async (request) => {
    requireVersion(request.microversion, { first: 22 });
    validateBody(forceComplete, request.body);
    const server = await requireServer(services, request, request.params.server_id);
    allow(services, request, serverPolicies.force_complete, server);
    checkLock(server, request.caller.is_admin);
    // Nova needs a guest whose memory is being copied; ours are off while they move
    throw new DroverError('instance_state_conflict', {
      instance: server.uuid,
      action: 'force_complete',
      ...(server.vm_state === 'active'
        ? { attribute: 'task_state', state: server.task_state ?? 'None' }
        : { attribute: 'vm_state', state: server.vm_state }),
    });
  });
}
