import { apiMetrics } from '../../services/api/metrics/api-metrics.ts';
import { clusterMetrics } from '../../services/api/metrics/cluster-metrics.ts';
import { agentMetrics } from '../../services/compute-agent/metrics.ts';
import { schedulerMetrics } from '../../services/scheduler/metrics.ts';
import { connectDatabase } from '../../shared/database/connect.ts';
import type { MetricSet } from '../../shared/metrics/metric-set.ts';
import { table } from './text.ts';

const OPENING = `# Metrics

<!-- Generated from the declarations of the processes by scripts/generate: change it there. -->

In the text form of Prometheus. Two ways lead to them:

- \`GET /drover/v1/metrics\` of the api, with a token in \`X-Auth-Token\`, for whom the rule \`drover:metrics:show\` lets
  (administrators): the cluster and that api.
- \`http://ADDRESS:PORT/metrics\` of each process whose \`[drover] metrics_listen\` is set, without a token: the api as
  above, a scheduler and an agent each their own. These also have the usual \`process_*\` and \`nodejs_*\`.

Gauges of the cluster come from the database at the moment of the scrape, so every api shows the same: take one, or the
largest. Counters and histograms of the cluster count what ended since that api began. Per-process ones are added up.
`;

/** The text of docs/metrics.md. */
export function metricsReference(): string {
  // Nothing is scraped here, so nothing connects.
  const connection = {
    connection: 'postgres://127.0.0.1/none',
    max_pool_size: 1,
    application_name: 'documents',
  };
  const pool = connectDatabase(connection, () => undefined);
  const nothing = { running: 0, paused: 0, connections: 0, sent_bytes: 0, limit_bytes_per_second: 0 };
  const parts: ReadonlyArray<readonly [string, MetricSet]> = [
    ['The cluster (api)', clusterMetrics(pool, 60)],
    ['An api process', apiMetrics().set],
    ['A scheduler', schedulerMetrics().set],
    ['An agent', agentMetrics(() => nothing).set],
  ];
  const body = parts.map(([title, set]) => {
    const rows = set.declarations.map(({ name, type, labels, help }) => [
      `\`${name}\``,
      type,
      labels.map((label) => `\`${label}\``).join(', '),
      help,
    ]);
    return `## ${title}\n\n${table(['metric', 'type', 'labels', 'meaning'], rows)}\n`;
  });
  return `${OPENING}\n${body.join('\n')}`;
}
