import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import cron from 'node-cron';
import type { Configuration } from '../../shared/config/configuration.ts';
import { connectDatabase, LOCK_WAIT_MILLISECONDS } from '../../shared/database/connect.ts';
import { readImageTicketKey } from '../../shared/database/secrets.ts';
import { schedulerId, type HostName } from '../../shared/domain/ids.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import { connectBroker } from '../../shared/messaging/connection.ts';
import { startConsumer } from '../../shared/messaging/consumer.ts';
import { declareAgentQueue, declareTopology } from '../../shared/messaging/declare-topology.ts';
import { KeptChannel } from '../../shared/messaging/kept-channel.ts';
import type { HostReported } from '../../shared/messaging/messages.ts';
import { startOutboxPublisher, type OutboxPublisher } from '../../shared/messaging/outbox-publisher.ts';
import { openPublisher } from '../../shared/messaging/publisher.ts';
import { queues } from '../../shared/messaging/topology.ts';
import { listenForScrapes } from '../../shared/metrics/metrics-listener.ts';
import { Driver, lostOf, turnDueOf } from './drive/driver.ts';
import { handleMessage, messageType, type EventSinks } from './drive/events.ts';
import { ProgressWriter } from './drive/progress.ts';
import type { DriveServices } from './drive/services.ts';
import { TurnKeeper } from './drive/turn-keeper.ts';
import { AgentQueues } from './hosts/agent-queues.ts';
import { countHostOutcome } from './hosts/host-outcome.ts';
import { ingestReport } from './hosts/ingest-report.ts';
import { reportOwnServices } from './hosts/own-heartbeat.ts';
import { syncReportedGuests } from './hosts/power-state.ts';
import { HostLists } from './host-lists.ts';
import { imageSourceMaker } from './image-source.ts';
import { removeExpired } from './reconcile/housekeeping.ts';
import { Reconciler } from './reconcile/reconciler.ts';
import { Repeating } from './reconcile/repeating.ts';
import { initialRatios, loadPlacementSettings, machineSettings, publicUrl } from './settings.ts';
import { schedulerMetrics } from './metrics.ts';
import { HostSnapshot } from './snapshot/host-snapshot.ts';

const PROGRESS_INTERVAL_MILLISECONDS = 400;
/** Minutes past the hour, so that schedulers started together do not all clean at the full hour. */
const HOUSEKEEPING_CRON = '17 * * * *';

export interface RunningScheduler {
  readonly id: string;
  /** Null: nobody listens for scrapes. */
  readonly metrics_url: string | null;
  close(): Promise<void>;
}

/**
 * One scheduler process. Any number of them may run: they share the queue, and the rows decide who does what.
 * Needs a migrated database and a broker; waits for the broker, fails without the database.
 */
export async function startScheduler(configuration: Configuration, log: Logger): Promise<RunningScheduler> {
  const { DEFAULT, database, drover, image } = configuration;
  // First of all: with a filter that does not exist nothing else need be tried.
  const placement = await loadPlacementSettings(configuration);
  const machine = DEFAULT.host ?? hostname();
  const id = schedulerId(`${machine}-${process.pid}-${randomBytes(4).toString('hex')}`);
  const onIdleError = (error: Error) => log.warn({ error }, 'lost an idle database connection');
  const connection = { connection: database.connection, application_name: `drover scheduler ${process.pid}` };
  const pool = connectDatabase(
    {
      ...connection,
      max_pool_size: database.max_pool_size,
      pipeline: true,
      generic_plans: true,
      lock_wait_milliseconds_max: LOCK_WAIT_MILLISECONDS,
    },
    onIdleError,
  );
  // Not from the pool of decisions: with all its connections waiting for a lock, nothing would be sent any more.
  const outboxPool = connectDatabase({ ...connection, max_pool_size: 2 }, onIdleError);
  const ticket_key = await readImageTicketKey(pool);
  const broker = await connectBroker({ url: DEFAULT.transport_url, name: `scheduler ${id}`, log });
  const declaring = new KeptChannel(broker, {
    purpose: 'declare queues',
    setup: async (channel) => {
      await declareTopology(channel);
    },
  });
  const agentQueues = new AgentQueues(async (host) => {
    const channel = declaring.current;
    if (channel === null) throw new Error('the message broker is away');
    await declareAgentQueue(channel, host);
  });

  let outbox: OutboxPublisher | null = null;
  const snapshot = new HostSnapshot({
    pool,
    service_down_seconds: DEFAULT.service_down_time,
    default_availability_zone: DEFAULT.default_availability_zone,
    now_seconds: () => performance.now() / 1000,
  });
  const services: DriveServices = {
    pool,
    log,
    scheduler_id: id,
    settings: machineSettings(configuration),
    placement,
    lease_seconds: drover.lease_seconds,
    service_down_seconds: DEFAULT.service_down_time,
    imageSource: imageSourceMaker({
      public_url: publicUrl(configuration),
      ticket_key,
      ticket_lifetime_seconds: image.ticket_lifetime_seconds,
    }),
    snapshot,
    host_lists: new HostLists(pool),
    turnsChanged: () => void turns.look(),
    wakeOutbox: () => outbox?.wake(),
  };
  const metrics = schedulerMetrics();
  if (drover.metrics_listen !== null) metrics.set.withProcessFigures();
  const scrapes = await listenForScrapes(drover.metrics_listen, [metrics.set], log);
  const driver = new Driver(services);
  const turns = new TurnKeeper({
    pool,
    limits: services.settings.transfer_limits,
    log,
    tell: (operation) => driver.deliver(operation, turnDueOf),
    onOffer: () => metrics.turns.inc(),
  });
  const reconciler = new Reconciler(services, driver);
  const ratios = initialRatios(configuration);

  const hostReported = async ({ host, report }: HostReported): Promise<void> => {
    await agentQueues.ensure(host);
    const outcome = await ingestReport(pool, report, ratios);
    snapshot.heard(host);
    if (outcome === 'registered')
      log.info({ host, address: report.address }, 'a host reports for the first time');
  };
  const sinks: EventSinks = {
    driver,
    progress: new ProgressWriter(
      pool,
      {
        stall_timeout_seconds: services.settings.stall_timeout_seconds,
        interval_milliseconds: PROGRESS_INTERVAL_MILLISECONDS,
      },
      (operation, lost) => driver.deliver(operation, lostOf(lost)),
    ),
    hostReported,
    guestChanged: async (event) => {
      await syncReportedGuests(pool, event.host, [event]);
    },
    hostOutcome: (event) => countHostOutcome(pool, event),
    lookAtAll: () => void reconciler.look(),
    log,
    verify_event_sender: drover.verify_event_sender,
  };

  // Queues of the hosts that are known: a command must find its queue also when its host is away.
  const { rows: hosts } = await pool.query<{ name: HostName }>('select name from hosts order by name');
  const publisher = openPublisher(broker, { purpose: 'commands', onOpen: () => outbox?.wake() });
  const consumer = startConsumer(broker, {
    queue: queues.scheduler,
    prefetch: drover.message_prefetch,
    setup: async (channel) => {
      await declareTopology(channel);
      agentQueues.forget();
      for (const { name } of hosts) await declareAgentQueue(channel, name);
    },
    handler: async ({ body, properties }) => {
      const sender: unknown = properties.userId;
      const began = performance.now();
      await handleMessage(sinks, { body, sender: typeof sender === 'string' ? sender : null });
      metrics.messages.observe({ type: messageType(body) }, (performance.now() - began) / 1000);
    },
  });
  outbox = startOutboxPublisher({
    pool: outboxPool,
    publisher,
    log,
    listen_connection: database.connection,
    poll_interval_seconds: drover.outbox_poll_interval_seconds,
  });

  const warn = (error: unknown, what: string) =>
    log.warn({ error }, `could not ${what}; the next tick tries again`);
  const reconciling = new Repeating(drover.reconcile_interval_seconds, () => reconciler.look());
  const reporting = new Repeating(DEFAULT.report_interval, async () => {
    await reportOwnServices(pool, machine).catch((error: unknown) => warn(error, 'report this scheduler'));
  });
  const housekeeping = cron.schedule(HOUSEKEEPING_CRON, async () => {
    await removeExpired(pool).catch((error: unknown) => warn(error, 'remove expired rows'));
  });

  return {
    id,
    metrics_url: scrapes.url,
    close: async () => {
      await scrapes.close();
      await housekeeping.destroy();
      await consumer.close();
      await Promise.all([reconciling.close(), reporting.close()]);
      await driver.settled();
      await turns.close();
      await outbox.close();
      await publisher.close();
      await declaring.close();
      await broker.close();
      await Promise.all([pool.end(), outboxPool.end()]);
    },
  };
}
