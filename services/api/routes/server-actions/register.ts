import type { FastifyInstance } from 'fastify';
import { DroverError } from '../../../../shared/errors/drover-error.ts';
import { validateBody } from '../../http/validate.ts';
import type { ApiServices } from '../../services.ts';
import { allow, requireServer } from '../server-access.ts';
import { confirmResizeAction } from './confirm-resize.ts';
import { createImageAction } from './create-image.ts';
import { lockAction } from './lock.ts';
import { migrateLiveAction } from './migrate-live.ts';
import { migrateAction } from './migrate.ts';
import { startAction } from './os-start.ts';
import { stopAction } from './os-stop.ts';
import { rebootAction } from './reboot.ts';
import { resetStateAction } from './reset-state.ts';
import { resizeAction } from './resize.ts';
import { revertResizeAction } from './revert-resize.ts';
import type { ServerAction } from './server-action.ts';
import { unlockAction } from './unlock.ts';
import { unsupportedActions } from './unsupported.ts';

/** Every action there is; one file each. */
export const serverActions: ReadonlyMap<string, ServerAction> = new Map(
  [
    migrateAction,
    confirmResizeAction,
    revertResizeAction,
    resizeAction,
    migrateLiveAction,
    startAction,
    stopAction,
    rebootAction,
    lockAction,
    unlockAction,
    resetStateAction,
    createImageAction,
    ...unsupportedActions,
  ].map((action) => [action.name, action]),
);

/** POST /servers/{id}/action. Order of checks, as in Nova: body, look-up, policy, then the action's own. */
export function registerServerActionRoutes(app: FastifyInstance, services: ApiServices): void {
  app.post<{ Params: { server_id: string } }>('/servers/:server_id/action', async (request, reply) => {
    const { name, argument } = actionOf(request.body);
    const action = serverActions.get(name);
    if (action === undefined) throw new DroverError('action_unknown', { action: name });
    const schema = action.schema(request.microversion);
    if (schema !== null) validateBody(schema, request.body);
    const server = await requireServer(services, request, request.params.server_id);
    allow(services, request, action.policy, server);
    const answer = await action.perform({ services, request, server, argument });
    if (typeof answer === 'number') return reply.code(answer).send();
    return reply.code(answer.status).headers(answer.headers).send(answer.body);
  });
}

/** An action body has exactly one key. @throws DroverError malformed_request_body; not_in_version for a list, as Nova */
export function actionOf(body: unknown): { readonly name: string; readonly argument: unknown } {
  if (Array.isArray(body)) throw new DroverError('not_in_version');
  if (typeof body !== 'object' || body === null) throw new DroverError('malformed_request_body');
  const [entry, second] = Object.entries(body);
  if (entry === undefined || second !== undefined) throw new DroverError('malformed_request_body');
  return { name: entry[0], argument: entry[1] };
}
