import { runService } from '../../shared/process/run-service.ts';
import { startScheduler } from './scheduler.ts';

await runService({ process_name: 'scheduler' }, async ({ configuration, log }) => {
  const scheduler = await startScheduler(configuration, log);
  return { ready: { id: scheduler.id }, close: () => scheduler.close() };
});
