import { loadConfiguration, type ConfigurationOverrides } from '../../../shared/config/configuration.ts';
import { createLogger } from '../../../shared/logging/logger.ts';
import { startScheduler, type RunningScheduler } from '../../../services/scheduler/scheduler.ts';

export const silent = createLogger({
  process_name: 'test',
  level: (process.env['DROVER_TEST_LOG'] as 'info' | undefined) ?? 'silent',
});

/** A real scheduler on the test's own database and virtual host. */
export async function startTestScheduler(
  urls: { readonly database: string; readonly broker: string },
  overrides: ConfigurationOverrides = {},
): Promise<RunningScheduler> {
  const configuration = loadConfiguration([], {
    overrides: {
      ...overrides,
      DEFAULT: { transport_url: urls.broker, ...overrides.DEFAULT },
      database: { connection: urls.database },
      drover: { verify_event_sender: false, reconcile_interval_seconds: 0.2, ...overrides.drover },
    },
  });
  return await startScheduler(configuration, silent);
}
