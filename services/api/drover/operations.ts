import type { FastifyRequest } from 'fastify';
import { inTransaction } from '../../../shared/database/connect.ts';
import { appendOutbox } from '../../../shared/database/outbox.ts';
import { operationId } from '../../../shared/domain/ids.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import { lastValue, validateQuery } from '../http/validate.ts';
import { wake } from '../operations/request-operation.ts';
import type { ApiServices, RegisterRoutes } from '../services.ts';
import { droverPolicies } from './policies.ts';

interface OperationRecord {
  readonly id: string;
  readonly kind: string;
  readonly instance_uuid: string;
  readonly migration_uuid: string | null;
  readonly state: string;
  readonly step: string | null;
  readonly attempt: number;
  readonly reason_code: string | null;
  readonly reason: string | null;
  readonly lease_owner: string | null;
  readonly deadline_at: Date | null;
  readonly request_id: string;
  readonly created_at: Date;
  readonly updated_at: Date;
}

type OfOperation = { Params: { operation: string } };

const listQuery = {
  parameters: {
    state: { enum: ['waiting', 'running', 'unwinding', 'done', 'unwound', 'stuck'] },
  },
  allows_others: false,
};

/** /drover/v1/operations: what is under way or stuck, and the order to go on once a person has mended the cause. */
export const registerDroverOperations: RegisterRoutes = (app, services) => {
  app.get('/operations', async (request) => {
    const { caller } = request;
    services.policy.authorize(droverPolicies.operations, { project_id: caller.project_id }, caller);
    const state = lastValue(validateQuery(listQuery, request.query), 'state');
    const { rows } = await services.pool.query<OperationRecord>(
      `select id, kind, instance_uuid, migration_uuid, state, step, attempt, reason_code, reason, lease_owner,
              deadline_at, request_id, created_at, updated_at
       from operations
       where case when $1::text is null then state in ('waiting', 'running', 'unwinding', 'stuck')
             else state = $1 end
       order by created_at desc limit 1000`,
      [state ?? null],
    );
    return { operations: rows.map((row) => operationView(row)) };
  });

  app.post<OfOperation>('/operations/:operation/resume', async (request, reply) =>
    reply.code(202).send({ operation: await goOn(services, request, { as_resolved: false }) }),
  );

  app.post<OfOperation>('/operations/:operation/resolve', async (request, reply) =>
    reply.code(202).send({ operation: await goOn(services, request, { as_resolved: true }) }),
  );
};

/** Orders a stuck operation to go on: by trying the step again, or as if a person had done it. */
async function goOn(
  services: ApiServices,
  request: FastifyRequest<OfOperation>,
  { as_resolved }: { readonly as_resolved: boolean },
): Promise<object> {
  const { caller } = request;
  const rule = as_resolved ? droverPolicies.resolve_operation : droverPolicies.resume_operation;
  services.policy.authorize(rule, { project_id: caller.project_id }, caller);
  const id = request.params.operation;
  if (!/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id)) {
    throw new DroverError('operation_not_found', { operation: id });
  }
  const row = await inTransaction(services.pool, async (transaction) => {
    const { rows } = await transaction.query<OperationRecord>(
      `select * from operations where id = $1 for update`,
      [id],
    );
    const [found] = rows;
    if (found === undefined) throw new DroverError('operation_not_found', { operation: id });
    if (found.state !== 'stuck') {
      throw new DroverError('operation_not_stuck', { operation: id, state: found.state });
    }
    await transaction.query(
      `update operations set resume_requested_at = now(), resume_as_resolved = $2 where id = $1`,
      [id, as_resolved],
    );
    await appendOutbox(transaction, [wake(request.request_id, operationId(id))]);
    return found;
  });
  services.wakeOutbox();
  return operationView(row);
}

function operationView(row: OperationRecord): object {
  return {
    id: row.id,
    kind: row.kind,
    server_id: row.instance_uuid,
    migration_id: row.migration_uuid,
    state: row.state,
    step: row.step,
    attempt: row.attempt,
    reason: row.reason_code === null ? null : { code: row.reason_code, message: row.reason },
    driven_by: row.lease_owner,
    deadline_at: row.deadline_at?.toISOString() ?? null,
    request_id: row.request_id,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  };
}
