import { loadPlacementSettings } from '../scheduler/settings.ts';
import { connectDatabase } from '../../shared/database/connect.ts';
import { connectBroker } from '../../shared/messaging/connection.ts';
import { startOutboxPublisher } from '../../shared/messaging/outbox-publisher.ts';
import { openPublisher } from '../../shared/messaging/publisher.ts';
import { createPolicyRegistry } from '../../shared/policy/default-registry.ts';
import { listenForScrapes } from '../../shared/metrics/metrics-listener.ts';
import { PolicyEnforcer } from '../../shared/policy/enforcer.ts';
import { runService } from '../../shared/process/run-service.ts';
import { droverPolicyRules } from './drover/policies.ts';
import { removeExpiredTokens } from './identity/expired-tokens.ts';
import { sweepAbandonedUploads } from './image/abandoned-uploads.ts';
import { apiMetrics } from './metrics/api-metrics.ts';
import { clusterMetrics } from './metrics/cluster-metrics.ts';
import { buildServer } from './server.ts';

/**
 * The api process: `node services/api/main.ts --config-file FILE`. It needs PostgreSQL; a broker that is away
 * only delays what was asked for, because requests are rows and their messages wait in the outbox.
 * It is not in the list of services, as Nova's api is not: only what works for servers reports itself.
 */
await runService({ process_name: 'api' }, async ({ configuration, log }) => {
  // Dry runs need it; a filter that does not exist, or a site's module that cannot be loaded, is told now.
  await loadPlacementSettings(configuration);
  const pool = connectDatabase(
    {
      connection: configuration.database.connection,
      max_pool_size: configuration.database.max_pool_size,
      application_name: 'drover api',
    },
    (error) => log.warn({ error }, 'an idle database connection broke'),
  );
  await pool.query('select 1');
  const policy = new PolicyEnforcer({
    registry: createPolicyRegistry(droverPolicyRules),
    policy_file: configuration.oslo_policy.policy_file,
    policy_dirs: configuration.oslo_policy.policy_dirs,
    default_rule: configuration.oslo_policy.policy_default_rule,
    enforce_new_defaults: configuration.oslo_policy.enforce_new_defaults,
    log,
  });
  const broker = await connectBroker({
    url: configuration.DEFAULT.transport_url,
    name: 'api',
    log,
    wait: false,
  });
  const publisher = openPublisher(broker, { purpose: 'outbox' });
  const outbox = startOutboxPublisher({
    pool,
    publisher,
    log,
    // It wakes its own publisher after each commit; other processes' rows are theirs, and the poll finds forgotten ones.
    listen_connection: null,
    poll_interval_seconds: configuration.drover.outbox_poll_interval_seconds,
  });
  const stopRemoving = removeExpiredTokens(pool, log);
  const stopSweeping = sweepAbandonedUploads(pool, configuration.image, log);
  const { metrics_listen } = configuration.drover;
  const metrics = {
    api: apiMetrics(),
    cluster: clusterMetrics(pool, configuration.DEFAULT.service_down_time),
  };
  const app = buildServer({ pool, configuration, policy, log, metrics, wakeOutbox: () => outbox.wake() });
  const url = await app.listen({
    host: configuration.DEFAULT.osapi_compute_listen,
    port: configuration.DEFAULT.osapi_compute_listen_port,
    listenTextResolver: (address) => `listening at ${address}`,
  });
  // From here on what ends is counted.
  await metrics.cluster.text();
  if (metrics_listen !== null) metrics.api.set.withProcessFigures();
  const scrapes = await listenForScrapes(metrics_listen, [metrics.cluster, metrics.api.set], log);
  return {
    ready: { url, ...(scrapes.url === null ? {} : { metrics_url: scrapes.url }) },
    async close() {
      await scrapes.close();
      stopRemoving();
      stopSweeping();
      await app.close();
      await outbox.close();
      await publisher.close();
      await broker.close();
      await pool.end();
    },
  };
});
