import { runService } from '../../shared/process/run-service.ts';
import { openMover } from './open-mover.ts';
import { runAgent } from './run-agent.ts';

/** `node services/compute-agent/main.ts --config-file FILE`: one host's agent. It knows the broker and no database. */
await runService({ process_name: 'agent' }, ({ configuration, log }) =>
  runAgent(configuration, log, openMover(configuration, log)),
);
