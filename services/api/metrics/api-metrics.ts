import type { FastifyInstance } from 'fastify';
import type { Histogram } from 'prom-client';
import { MetricSet } from '../../../shared/metrics/metric-set.ts';

const REQUEST_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];

/** What is scraped of an api process. */
export interface ApiMetricSets {
  readonly api: ApiMetrics;
  readonly cluster: MetricSet;
}

export interface ApiMetrics {
  readonly set: MetricSet;
  readonly requests: Histogram<'surface' | 'method' | 'status'>;
}

/** What one api process counts itself. */
export function apiMetrics(): ApiMetrics {
  const set = new MetricSet();
  const requests = set.histogram(
    'drover_api_request_seconds',
    'Requests answered by this api, by API, method and status.',
    REQUEST_BUCKETS,
    ['surface', 'method', 'status'],
  );
  return { set, requests };
}

/** Counts every answer, refusals too. */
export function countRequests(app: FastifyInstance, { requests }: ApiMetrics): void {
  app.addHook('onResponse', (request, reply, done) => {
    const { surface, method } = request;
    requests.observe({ surface, method, status: String(reply.statusCode) }, reply.elapsedTime / 1000);
    done();
  });
}
