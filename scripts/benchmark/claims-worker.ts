import { once } from 'node:events';
import { Chooser } from '../../services/scheduler/drive/choose.ts';
import type { DriveServices } from '../../services/scheduler/drive/services.ts';
import { Turns } from '../../services/scheduler/drive/turns.ts';
import { HostLists } from '../../services/scheduler/host-lists.ts';
import { defaultPlacementSettings } from '../../services/scheduler/placement/settings.ts';
import { machineSettings } from '../../services/scheduler/settings.ts';
import { HostSnapshot } from '../../services/scheduler/snapshot/host-snapshot.ts';
import { loadConfiguration } from '../../shared/config/configuration.ts';
import { connectDatabase } from '../../shared/database/connect.ts';
import { schedulerId, type OperationId } from '../../shared/domain/ids.ts';
import { createLogger } from '../../shared/logging/logger.ts';

/*
 * One scheduler of the measurement: the product's own way from the order to choose to the committed claim, the stored
 * decision, the machine's next state and its command in the outbox. Reports `ready`, waits for `go`, then reports how
 * many it has claimed.
 */
const [url = '', number = '0', schedulers = '1', milliseconds = '0', at_once = '1'] = process.argv.slice(2);
const service_down_seconds = 60;
const WARM_UP_MILLISECONDS = 2000;

const pool = connectDatabase(
  {
    connection: url,
    max_pool_size: 8,
    application_name: `drover-bench-${number}`,
    pipeline: true,
    generic_plans: true,
  },
  () => undefined,
);
const services: DriveServices = {
  pool,
  log: createLogger({ process_name: 'bench', level: 'warn' }),
  scheduler_id: schedulerId(`bench-${number}`),
  settings: machineSettings(loadConfiguration([])),
  placement: defaultPlacementSettings,
  lease_seconds: 60,
  service_down_seconds,
  imageSource: (image) => ({ ...image, url: '', ticket: '' }),
  snapshot: new HostSnapshot({
    pool,
    service_down_seconds,
    default_availability_zone: 'nova',
    now_seconds: () => performance.now() / 1000,
  }),
  host_lists: new HostLists(pool),
  turnsChanged: () => undefined,
  wakeOutbox: () => undefined,
};
const chooser = new Chooser(services, new Turns());
await services.snapshot.refresh();
const { rows: operations } = await pool.query<{ id: OperationId }>(
  `select id from (select id, row_number() over (order by id) as place from operations) o
   where place % $1 = $2 order by place`,
  [Number(schedulers), Number(number)],
);
process.send?.('ready');
await once(process, 'message');
// A scheduler lives for weeks; how fast it is before its code is compiled is no figure of it.
const from = performance.now() + WARM_UP_MILLISECONDS;
const until = from + Number(milliseconds);
let claimed = 0;
await Promise.all(Array.from({ length: Number(at_once) }, () => chooseUntilTheEnd()));
process.send?.({ claimed });
await pool.end();
process.disconnect();

async function chooseUntilTheEnd(): Promise<void> {
  while (performance.now() < until) {
    const operation = operations.pop();
    if (operation === undefined) throw new Error('the measurement has run out of moves');
    const after = await chooser.choose({
      operation_id: operation.id,
      ignore_hosts: [],
      fencing: 0,
      attempt: 0,
    });
    const now = performance.now();
    if (after?.has_commands === true && now >= from && now < until) claimed += 1;
  }
}
