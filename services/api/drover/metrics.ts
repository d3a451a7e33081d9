import { textOf } from '../../../shared/metrics/metrics-listener.ts';
import type { RegisterRoutes } from '../services.ts';
import { droverPolicies } from './policies.ts';

/** /drover/v1/metrics: the cluster and this api as Prometheus reads them, for who may; it sends the token as a header. */
export const registerDroverMetrics: RegisterRoutes = (app, services) => {
  app.get('/metrics', async (request, reply) => {
    const { caller } = request;
    services.policy.authorize(droverPolicies.metrics, { project_id: caller.project_id }, caller);
    const { api, cluster } = services.metrics;
    return reply.header('content-type', cluster.content_type).send(await textOf([cluster, api.set]));
  });
};
