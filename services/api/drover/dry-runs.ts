import type { FastifyRequest } from 'fastify';
import { hostName, instanceId } from '../../../shared/domain/ids.ts';
import { DroverError } from '../../../shared/errors/drover-error.ts';
import { readMoveRequest } from '../../scheduler/drive/placement-request.ts';
import { explainHost } from '../../scheduler/placement/explain.ts';
import type { PlacementRequest } from '../../scheduler/placement/model.ts';
import { plan } from '../../scheduler/placement/plan.ts';
import { dumpProblem } from '../../scheduler/placement/text-form/dump-problem.ts';
import { bodySchema, lastValue, validateBody, validateQuery } from '../http/validate.ts';
import { requireHost } from '../operations/source-host.ts';
import { requireServer } from '../routes/server-access.ts';
import { hostNameSchema } from '../routes/server-actions/migrate.ts';
import type { ApiServices, RegisterRoutes } from '../services.ts';
import { ClusterView } from './cluster-view.ts';
import { hostsMaxOf, hostsMaxSchema } from './hosts-max.ts';
import { dryRunView } from './placement-view.ts';
import { droverPolicies } from './policies.ts';

const SERVERS_MAX = 1000;

const dryRunBody = bodySchema<{
  readonly servers: ReadonlyArray<{ readonly id: string; readonly host?: string }>;
}>({
  type: 'object',
  properties: {
    servers: {
      type: 'array',
      minItems: 1,
      maxItems: SERVERS_MAX,
      items: {
        type: 'object',
        properties: { id: { type: 'string', format: 'uuid' }, host: { type: 'string', ...hostNameSchema } },
        required: ['id'],
        additionalProperties: false,
      },
    },
  },
  required: ['servers'],
  additionalProperties: false,
});

const dryRunQuery = { parameters: { hosts: hostsMaxSchema }, allows_others: false } as const;

const clusterQuery = {
  parameters: { server: { type: 'string', format: 'uuid' } },
  allows_others: false,
} as const;

const explainQuery = {
  parameters: { server: { type: 'string', format: 'uuid' } },
  allows_others: false,
} as const;

/** Questions to the placement core that write nothing: dry runs, one host explained, the cluster as text. */
export const registerDroverDryRuns: RegisterRoutes = (app, services) => {
  const cluster = new ClusterView(services);

  app.post('/decisions', async (request) => {
    const { servers } = validateBody(dryRunBody, request.body);
    const hosts_max = hostsMaxOf(validateQuery(dryRunQuery, request.query));
    authorize(services, request, droverPolicies.dry_run);
    const requests: PlacementRequest[] = [];
    for (const server of servers) requests.push(await moveOf(services, request, server.id, server.host));
    const { snapshot, version, settings } = await cluster.read();
    const seed = request.request_id;
    const { decisions } = plan(
      snapshot,
      requests.map((one) => ({ request: one, seed })),
      settings,
    );
    return {
      cluster_version: version,
      decisions: decisions.map((decision) => dryRunView(decision.request.instance_id, decision, hosts_max)),
    };
  });

  app.get<{ Params: { host: string } }>('/hosts/:host/explain', async (request) => {
    const server = lastValue(validateQuery(explainQuery, request.query), 'server');
    authorize(services, request, droverPolicies.dry_run);
    if (server === undefined) {
      throw new DroverError('validation_failed', { message: "The query parameter 'server' is required." });
    }
    const wanted = await moveOf(services, request, server, undefined);
    const { snapshot, version, settings } = await cluster.read();
    const host = hostName(request.params.host);
    const explanation = explainHost(snapshot, host, wanted, settings, request.request_id);
    if (explanation === null) throw new DroverError('host_unknown', { host: request.params.host });
    const { verdicts, weighed, decision } = explanation;
    return {
      explanation: {
        host,
        server_id: server,
        cluster_version: version,
        verdicts,
        weighed,
        chosen_host: decision.chosen,
        best: decision.ranked[0] ?? null,
      },
    };
  });

  app.get('/cluster', async (request, reply) => {
    const server = lastValue(validateQuery(clusterQuery, request.query), 'server');
    authorize(services, request, droverPolicies.dump);
    const requests = server === undefined ? [] : [await moveOf(services, request, server, undefined)];
    const { snapshot, settings } = await cluster.read();
    return reply
      .header('content-type', 'text/plain; charset=utf-8')
      .send(dumpProblem(snapshot, settings, requests));
  });
};

/** What this server's next move would ask. @throws DroverError instance_not_found, migrate_to_same_host, requested_host_not_found */
async function moveOf(
  services: ApiServices,
  request: FastifyRequest,
  id: string,
  host: string | undefined,
): Promise<PlacementRequest> {
  const server = await requireServer(services, request, id);
  if (host !== undefined && host === server.host) throw new DroverError('migrate_to_same_host');
  const wish = host === undefined ? {} : { host: await requireHost(services.pool, host) };
  const found = await readMoveRequest(services.pool, instanceId(server.uuid), wish);
  if (found === null) throw new DroverError('instance_not_found', { instance: id });
  return found;
}

function authorize(services: ApiServices, request: FastifyRequest, rule: string): void {
  services.policy.authorize(rule, { project_id: request.caller.project_id }, request.caller);
}
