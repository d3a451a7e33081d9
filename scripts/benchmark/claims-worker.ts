import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { Chooser, RUNS_AT_ONCE, TOGETHER_MAX } from '../../services/scheduler/drive/choose.ts';
import type { DriveServices } from '../../services/scheduler/drive/services.ts';
import { Turns } from '../../services/scheduler/drive/turns.ts';
import { HostLists } from '../../services/scheduler/host-lists.ts';
import { defaultPlacementSettings } from '../../services/scheduler/placement/settings.ts';
import { machineSettings } from '../../services/scheduler/settings.ts';
import { HostSnapshot } from '../../services/scheduler/snapshot/host-snapshot.ts';
import { loadConfiguration } from '../../shared/config/configuration.ts';
import { connectDatabase } from '../../shared/database/connect.ts';
import { schedulerId } from '../../shared/domain/ids.ts';
import { createLogger } from '../../shared/logging/logger.ts';
import { claimOnly, type WaitingMove } from './claims-only.ts';
import { cpuMilliseconds } from './process-figures.ts';

/** What it reports in the end. */
export interface WorkerFigures {
  readonly claimed: number;
  readonly scheduler_cpu_milliseconds: number;
  /** Null: cannot be seen from here. */
  readonly database_cpu_milliseconds: number | null;
}

/*
 * One scheduler of the measurement. `claims`: the decision, its claim and its record (claims-only.ts). `moves`: the
 * whole way from the order to choose to the machine's next state and its command in the outbox, as a scheduler goes it.
 * Reports `ready`, waits for `go`, then reports how many it has claimed.
 */
const [url = '', number = '0', schedulers = '1', milliseconds = '0', what = 'claims'] = process.argv.slice(2);
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
  log: createLogger({ process_name: 'bench', level: 'error' }),
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
await services.snapshot.refresh();
const { rows: moves } = await pool.query<WaitingMove>(
  `select id, migration_id, source_host from (
     select o.id, m.uuid as migration_id, m.source_compute as source_host, row_number() over (order by o.id) as place
     from operations o join migrations m on m.uuid = o.migration_uuid) o
   where place % $1 = $2 order by place`,
  [Number(schedulers), Number(number)],
);
process.send?.('ready');
await once(process, 'message');
// A scheduler lives for weeks; how fast it is before its code is compiled is no figure of it.
const from = performance.now() + WARM_UP_MILLISECONDS;
const until = from + Number(milliseconds);
let claimed = 0;
const cpu = measureCpu();
await Promise.all(what === 'moves' ? moveUntilTheEnd() : claimUntilTheEnd());
process.send?.({ claimed, ...(await cpu) });
await pool.end();
process.disconnect();

/** As many choices wait as two full transactions of the scheduler hold. */
function moveUntilTheEnd(): Array<Promise<void>> {
  const chooser = new Chooser(services, new Turns());
  return Array.from({ length: TOGETHER_MAX * RUNS_AT_ONCE }, async () => {
    while (performance.now() < until) {
      const [move] = take(1);
      const after = await chooser.choose({
        operation_id: move.id,
        ignore_hosts: [],
        fencing: 0,
        attempt: 0,
      });
      if (after?.has_commands === true) count(1);
    }
  });
}

function claimUntilTheEnd(): Array<Promise<void>> {
  return Array.from({ length: RUNS_AT_ONCE }, async () => {
    while (performance.now() < until) count(await claimOnly(services, take(TOGETHER_MAX)));
  });
}

function take(many: number): readonly [WaitingMove, ...WaitingMove[]] {
  const [first, ...others] = moves.splice(-many);
  if (first === undefined) throw new Error('the measurement has run out of moves');
  return [first, ...others];
}

function count(many: number): void {
  const now = performance.now();
  if (now >= from && now < until) claimed += many;
}

/** Processor time within the measurement: this process, and its connections' on the database's side. */
async function measureCpu(): Promise<Omit<WorkerFigures, 'claimed'>> {
  await setTimeout(WARM_UP_MILLISECONDS);
  const [own, database] = [process.cpuUsage(), await databaseCpu()];
  await setTimeout(Number(milliseconds));
  const { user, system } = process.cpuUsage(own);
  const database_now = await databaseCpu();
  return {
    scheduler_cpu_milliseconds: (user + system) / 1000,
    database_cpu_milliseconds: database === null || database_now === null ? null : database_now - database,
  };
}

/** Null: the database runs on another machine. */
async function databaseCpu(): Promise<number | null> {
  const { rows } = await pool.query<{ pid: number }>(
    'select pid from pg_stat_activity where datname = current_database() and application_name = $1',
    [`drover-bench-${number}`],
  );
  if (rows.some(({ pid }) => !existsSync(`/proc/${pid}`))) return null;
  return rows.reduce((sum, { pid }) => sum + cpuMilliseconds(pid), 0);
}
