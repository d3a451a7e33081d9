import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runAgent } from '../../../services/compute-agent/run-agent.ts';
import { loadConfiguration } from '../../../shared/config/configuration.ts';
import { hostName } from '../../../shared/domain/ids.ts';
import { PowerState } from '../../../shared/domain/states.ts';
import { connectBroker, type BrokerConnection } from '../../../shared/messaging/connection.ts';
import { startConsumer, type Consumer, type Delivery } from '../../../shared/messaging/consumer.ts';
import { declareAgentQueue, declareTopology } from '../../../shared/messaging/declare-topology.ts';
import type { AgentEvent } from '../../../shared/messaging/messages.ts';
import { openPublisher, type Publisher } from '../../../shared/messaging/publisher.ts';
import { agentUser, exchanges, queues, routingKeys } from '../../../shared/messaging/topology.ts';
import type { RunningService } from '../../../shared/process/run-service.ts';
import { sampleCommand, sampleSpec } from '../../unit/compute-agent/samples.ts';
import { createTestBroker, type TestBroker } from '../support/broker.ts';
import { StandInMover } from './stand-in-mover.ts';

/** The agent as it runs, with a RabbitMQ user that may do what a real one's may, and nothing more. */

const host = hostName('compute1');
const log = pino({ level: 'silent' });
let broker: TestBroker;
let scheduler: BrokerConnection;
let commands: Publisher;
let consumer: Consumer;
let folder: string;
let agent: RunningService | undefined;
const deliveries: Delivery[] = [];
const events = () => deliveries.map(({ body }) => body as AgentEvent);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'drover-broker-'));
  broker = await createTestBroker();
  scheduler = await connectBroker({ url: broker.url, name: 'test scheduler', log });
  commands = openPublisher(scheduler, { purpose: 'commands' });
  const declared = Promise.withResolvers<void>();
  consumer = startConsumer(scheduler, {
    queue: queues.scheduler,
    prefetch: 100,
    setup: async (channel) => {
      await declareTopology(channel);
      await declareAgentQueue(channel, host);
      declared.resolve();
    },
    handler: (delivery) => Promise.resolve(void deliveries.push(delivery)),
  });
  await declared.promise;
  agent = await startAgent();
});
afterAll(async () => {
  await agent?.close();
  await consumer.close();
  await commands.close();
  await scheduler.close();
  await broker.release();
  rmSync(folder, { recursive: true, force: true });
});

function startAgent(): Promise<RunningService> {
  const file = join(folder, 'drover.conf');
  writeFileSync(file, '');
  const configuration = loadConfiguration([file], {
    overrides: {
      DEFAULT: {
        host,
        my_ip: '127.0.0.1',
        state_path: folder,
        instances_path: join(folder, 'instances'),
        transport_url: broker.agentUrl(host),
        report_interval: 3000,
        service_down_time: 9000,
      },
    },
  });
  return runAgent(configuration, log, new StandInMover());
}

const send = (body: object) =>
  commands.publish({ exchange: exchanges.commands, routing_key: routingKeys.agentCommand(host), body });
const answersOf = (operation_id: string) =>
  events()
    .filter((event) => event.type === 'step_done' || event.type === 'step_failed')
    .filter((event) => event.operation_id === operation_id);
const bounded = { timeout: 20_000, interval: 10 };

test('it reports first, as the user that the broker verified', async () => {
  await expect.poll(() => events().map(({ type }) => type), bounded).toContain('host_reported');
  const [first] = deliveries;
  expect(first?.properties.userId).toBe(agentUser(host));
  expect(first?.routing_key).toBe(`event.${host}`);
  expect(first?.body).toMatchObject({
    host,
    report: { host, sequence: 1, address: '127.0.0.1', guests: [] },
  });
});

const spec = sampleSpec();

test('a command is answered; a change is reported at once', async () => {
  const spawn = sampleCommand('spawn', { spec }, { instance_id: spec.id });
  await send(spawn);
  await expect.poll(() => answersOf(spawn.operation_id), bounded).toHaveLength(1);
  expect(answersOf(spawn.operation_id)).toMatchObject([
    { type: 'step_done', host, command: 'spawn', request_id: spawn.request_id, attempt: 1 },
  ]);
  const guests = () =>
    events().flatMap((event) => (event.type === 'host_reported' ? [event.report.guests] : []));
  await expect
    .poll(guests, bounded)
    .toContainEqual([{ instance_id: spec.id, epoch: 1, power_state: PowerState.running }]);

  // The broker delivers again: the recorded answer comes, nothing is done.
  await send(spawn);
  await expect.poll(() => answersOf(spawn.operation_id), bounded).toHaveLength(2);
  const [first, second] = answersOf(spawn.operation_id);
  expect(second).toEqual(first);
});

test('what is no command, late or wrong does no harm to what comes after it', async () => {
  await send({ type: 'command', command: 'power_on', instance_id: '../..' });
  const late = sampleCommand(
    'power_off',
    { shutdown_timeout_seconds: 0 },
    { instance_id: spec.id, deadline_at: new Date(0).toISOString() },
  );
  await send(late);
  const wrong = sampleCommand('power_off', {} as never, { instance_id: spec.id });
  await send(wrong);
  await expect.poll(() => answersOf(wrong.operation_id), bounded).toHaveLength(1);
  expect(answersOf(wrong.operation_id)).toMatchObject([
    { type: 'step_failed', code: 'command_invalid', retriable: false },
  ]);
  expect(answersOf(late.operation_id)).toEqual([]);
});

test('a restarted agent has its guests, a new boot id, and answers what was sent meanwhile', async () => {
  const first_boot_id = agent?.ready['boot_id'];
  await agent?.close();
  deliveries.length = 0;
  const check = sampleCommand('check', { expect_running: true }, { instance_id: spec.id });
  await send(check);
  agent = await startAgent();
  await expect.poll(() => answersOf(check.operation_id), bounded).toHaveLength(1);
  expect(answersOf(check.operation_id)).toMatchObject([
    { type: 'step_done', result: { power_state: PowerState.running } },
  ]);
  expect(agent.ready['boot_id']).not.toBe(first_boot_id);
  await expect
    .poll(() => events().find((event) => event.type === 'host_reported')?.report, bounded)
    .toMatchObject({ boot_id: agent.ready['boot_id'], sequence: 1 });
});
