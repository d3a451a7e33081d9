import { runService } from '../../shared/process/run-service.ts';
import { startScheduler } from './scheduler.ts';

await runService({ process_name: 'scheduler' }, async ({ configuration, log }) => {
  const scheduler = await startScheduler(configuration, log);
  const { metrics_url } = scheduler;
  return {
    ready: { id: scheduler.id, ...(metrics_url === null ? {} : { metrics_url }) },
    close: () => scheduler.close(),
  };
});
