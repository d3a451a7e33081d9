import { readFileSync } from 'node:fs';
import type { Configuration } from '../../shared/config/configuration.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import { connectBroker } from '../../shared/messaging/connection.ts';
import { startConsumer } from '../../shared/messaging/consumer.ts';
import { openPublisher } from '../../shared/messaging/publisher.ts';
import { queues } from '../../shared/messaging/topology.ts';
import { listenForScrapes } from '../../shared/metrics/metrics-listener.ts';
import type { RunningService } from '../../shared/process/run-service.ts';
import { createAgent } from './agent.ts';
import { brokerEvents } from './broker-events.ts';
import { fakeOptions } from './fake-options.ts';
import { makeFolder } from './folders/durable.ts';
import { agentMetrics } from './metrics.ts';
import { FakeHypervisor } from './hypervisor/fake/fake-hypervisor.ts';
import { addressOf, hostOf } from './host-identity.ts';
import { openHypervisor } from './hypervisor/index.ts';
import type { SweepSettings } from './images/cache-sweeper.ts';
import { usesOverlays } from './images/disk-format.ts';
import type { ReceiverAdmission, SenderSupervisor } from './mover/mover.ts';

/** Both sides of the mover on one host. */
export interface Mover {
  readonly sender: SenderSupervisor;
  readonly receiver: ReceiverAdmission;
}

/** Commands wait for each other per instance only, so a host takes many at the same time. */
const PREFETCH = 500;
const SWEEP_SECONDS_OF_ZERO = 60;

/**
 * Puts an agent together from the configuration and connects it to the broker: consumes the host's queue, which the
 * schedulers declare once the host has reported, and publishes as the host's own user.
 */
export async function runAgent(
  configuration: Configuration,
  log: Logger,
  mover: Mover,
): Promise<RunningService> {
  const { DEFAULT } = configuration;
  const host = hostOf(configuration);
  const { images_type, images_volume_group } = configuration.libvirt;
  await Promise.all([makeFolder(DEFAULT.state_path), makeFolder(DEFAULT.instances_path)]);
  const hypervisor = await openHypervisor({
    compute_driver: DEFAULT.compute_driver,
    fake: fakeOptions(configuration),
  });
  const connection = await connectBroker({ url: DEFAULT.transport_url, name: `agent ${host}`, log });
  const publisher = openPublisher(connection, { purpose: 'events', state_sender: true });
  const metrics = agentMetrics(
    () =>
      mover.sender.figures?.() ?? {
        running: 0,
        paused: 0,
        connections: 0,
        sent_bytes: 0,
        limit_bytes_per_second: 0,
      },
  );
  const { metrics_listen } = configuration.drover;
  if (metrics_listen !== null) metrics.set.withProcessFigures();
  const scrapes = await listenForScrapes(metrics_listen, [metrics.set], log);
  const agent = createAgent({
    host,
    address: addressOf(configuration),
    instances_path: DEFAULT.instances_path,
    agent_version: packageVersion(),
    report_interval_seconds: DEFAULT.report_interval,
    report: DEFAULT,
    settings: {
      use_cow_images: usesOverlays(images_type, DEFAULT.use_cow_images),
      force_raw_images: DEFAULT.force_raw_images,
      stall_timeout_seconds: configuration.mover.stall_timeout_seconds,
      start_grace_seconds: 0,
      images_type,
      images_volume_group,
      reserve_headroom_percent: configuration.mover.reserve_headroom_percent,
    },
    image_cache: sweepSettings(configuration),
    hypervisor,
    ...mover,
    events: brokerEvents(host, publisher),
    log,
    onAnswer: (command, outcome, seconds) => metrics.commands.observe({ command, outcome }, seconds),
    ...(hypervisor instanceof FakeHypervisor ? { knobs: hypervisor.knobs } : {}),
  });
  await agent.start();
  const consumer = startConsumer(connection, {
    queue: queues.agent(host),
    prefetch: PREFETCH,
    handler: ({ body }) => agent.handle(body),
  });
  return {
    ready: { host, boot_id: agent.boot_id, ...(scrapes.url === null ? {} : { metrics_url: scrapes.url }) },
    async close() {
      await scrapes.close();
      // The agent first: the consumer waits for the handlers that it gives up.
      agent.close();
      await consumer.close();
      await Promise.all([mover.sender.close(), mover.receiver.close()]);
      await hypervisor.close();
      await publisher.close();
      await connection.close();
    },
  };
}

/** Nova's numbers: -1 is never, 0 every minute. */
function sweepSettings({ image_cache }: Configuration): SweepSettings {
  const { manager_interval, remove_unused_base_images } = image_cache;
  const is_off = manager_interval < 0 || !remove_unused_base_images;
  return {
    interval_seconds: is_off ? 0 : manager_interval || SWEEP_SECONDS_OF_ZERO,
    minimum_age_seconds: image_cache.remove_unused_original_minimum_age_seconds,
  };
}

function packageVersion(): string {
  const file = new URL('../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
