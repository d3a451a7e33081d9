import { DroverError } from '../../../shared/errors/drover-error.ts';
import { accountOf } from '../../scheduler/placement/account.ts';
import { hostName } from '../../../shared/domain/ids.ts';
import { decisionOf } from '../../scheduler/placement/record.ts';
import { readHostList } from '../../scheduler/host-lists.ts';
import { unpackRecord } from '../../scheduler/placement-record.ts';
import { lastValue, limitSchema, validateQuery } from '../http/validate.ts';
import type { RegisterRoutes } from '../services.ts';
import { hostsMaxOf, hostsMaxSchema } from './hosts-max.ts';
import { accountView } from './placement-view.ts';
import { droverPolicies } from './policies.ts';

interface Summary {
  readonly id: string;
  readonly kind: string;
  readonly instance_uuid: string | null;
  readonly request_id: string;
  readonly chosen_host: string | null;
  readonly summary: string;
  readonly created_at: Date;
}

interface Row extends Summary {
  readonly record: Buffer;
  readonly refusals: Readonly<Record<string, string>>;
}

const columns = 'id, kind, instance_uuid, request_id, chosen_host, summary, created_at';
const PAGE_LIMIT_DEFAULT = 20;
const PAGE_LIMIT_MAX = 1000;

const listQuery = {
  parameters: { server: { type: 'string', format: 'uuid' }, limit: limitSchema },
  allows_others: false,
} as const;

const showQuery = {
  parameters: { hosts: hostsMaxSchema, record: { enum: ['true', 'false'] } },
  allows_others: false,
} as const;

/** /drover/v1/decisions: why this host, and why not the others. */
export const registerDroverDecisions: RegisterRoutes = (app, services) => {
  app.get('/decisions', async (request) => {
    const { caller } = request;
    services.policy.authorize(droverPolicies.decisions, { project_id: caller.project_id }, caller);
    const query = validateQuery(listQuery, request.query);
    const server = lastValue(query, 'server') ?? null;
    const limit = Math.min(Number(lastValue(query, 'limit') ?? PAGE_LIMIT_DEFAULT), PAGE_LIMIT_MAX);
    const { rows } = await services.pool.query<Summary>(
      server === null
        ? { text: `select ${columns} from decisions order by created_at desc limit $1`, values: [limit] }
        : {
            text: `select ${columns} from decisions where instance_uuid = $2 order by created_at desc limit $1`,
            values: [limit, server],
          },
    );
    return { decisions: rows.map((row) => summaryView(row)) };
  });

  app.get<{ Params: { decision: string } }>('/decisions/:decision', async (request) => {
    const { caller } = request;
    const query = validateQuery(showQuery, request.query);
    services.policy.authorize(droverPolicies.decisions, { project_id: caller.project_id }, caller);
    const { decision: id } = request.params;
    const well_formed = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id);
    const { rows } = well_formed
      ? await services.pool.query<Row>(`select ${columns}, record, refusals from decisions where id = $1`, [
          id,
        ])
      : { rows: [] };
    const [row] = rows;
    if (row === undefined) throw new DroverError('decision_not_found', { decision: id });
    const record = await unpackRecord(row.record, (digest) => readHostList(services.pool, digest));
    const account = accountOf(decisionOf(record), {
      hosts_max: hostsMaxOf(query),
      claimed: row.chosen_host === null ? null : hostName(row.chosen_host),
      refusals: new Map(Object.entries(row.refusals)),
    });
    return {
      decision: {
        ...summaryView(row),
        ...accountView(account),
        // All of it, for a replay: with ten thousand hosts some hundred kilobytes.
        ...(lastValue(query, 'record') === 'true' ? { record } : {}),
      },
    };
  });
};

function summaryView(row: Summary): object {
  return {
    id: row.id,
    kind: row.kind,
    server_id: row.instance_uuid,
    chosen_host: row.chosen_host,
    summary: row.summary,
    request_id: row.request_id,
    created_at: row.created_at.toISOString(),
  };
}
