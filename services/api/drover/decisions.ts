import { DroverError } from '../../../shared/errors/drover-error.ts';
import type { RegisterRoutes } from '../services.ts';
import { droverPolicies } from './policies.ts';

interface DecisionRecord {
  readonly id: string;
  readonly kind: string;
  readonly instance_uuid: string | null;
  readonly request_id: string;
  readonly chosen_host: string | null;
  readonly summary: string;
  readonly record: object;
  readonly created_at: Date;
}

/** /drover/v1/decisions/{id}: why this host, and why not the others. */
export const registerDroverDecisions: RegisterRoutes = (app, services) => {
  app.get<{ Params: { decision: string } }>('/decisions/:decision', async (request) => {
    const { caller } = request;
    services.policy.authorize(droverPolicies.decisions, { project_id: caller.project_id }, caller);
    const { decision: id } = request.params;
    const well_formed = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id);
    const { rows } = well_formed
      ? await services.pool.query<DecisionRecord>(`select * from decisions where id = $1`, [id])
      : { rows: [] };
    const [row] = rows;
    if (row === undefined) throw new DroverError('decision_not_found', { decision: id });
    return {
      decision: {
        id: row.id,
        kind: row.kind,
        server_id: row.instance_uuid,
        chosen_host: row.chosen_host,
        summary: row.summary,
        record: row.record,
        request_id: row.request_id,
        created_at: row.created_at.toISOString(),
      },
    };
  });
};
