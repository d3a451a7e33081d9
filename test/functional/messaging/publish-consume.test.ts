import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { hostName } from '../../../shared/domain/ids.ts';
import { connectBroker, type BrokerConnection } from '../../../shared/messaging/connection.ts';
import { startConsumer, type ConsumerOptions, type Delivery } from '../../../shared/messaging/consumer.ts';
import { declareAgentQueue, declareTopology } from '../../../shared/messaging/declare-topology.ts';
import { openPublisher, type PublisherOptions } from '../../../shared/messaging/publisher.ts';
import { agentUser, exchanges, queues, routingKeys } from '../../../shared/messaging/topology.ts';
import { createTestBroker, type TestBroker } from '../support/broker.ts';
import { silent, throughProxy, until } from './support.ts';

const host = hostName('compute1');
let broker: TestBroker;
const cleanUps: Array<() => Promise<void>> = [];

beforeAll(async () => {
  broker = await createTestBroker();
  const connection = await connectBroker({ url: broker.url, name: 'declare', log: silent });
  const channel = await connection.model.createChannel();
  await declareTopology(channel);
  await declareTopology(channel);
  await declareAgentQueue(channel, host);
  await channel.close();
  await connection.close();
});
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
  const connection = await connectBroker({ url: broker.url, name: 'purge', log: silent });
  const channel = await connection.model.createChannel();
  for (const queue of [queues.scheduler, queues.dead, queues.agent(host)]) await channel.purgeQueue(queue);
  await channel.close();
  await connection.close();
});
afterAll(() => broker.release());

async function open(url = broker.url): Promise<BrokerConnection> {
  const connection = await connectBroker({ url, name: 'test', log: silent });
  cleanUps.push(() => connection.close());
  return connection;
}

async function publisherOn(connection: BrokerConnection, options: Partial<PublisherOptions> = {}) {
  const publisher = openPublisher(connection, { purpose: 'test', ...options });
  cleanUps.push(() => publisher.close());
  await until('the publisher is open', () => publisher.isOpen());
  return publisher;
}

function consumerOn(connection: BrokerConnection, options: Partial<ConsumerOptions> = {}) {
  const received: Delivery[] = [];
  const consumer = startConsumer(connection, {
    queue: queues.agent(host),
    prefetch: 20,
    handler: async (delivery) => {
      received.push(delivery);
    },
    ...options,
  });
  cleanUps.push(() => consumer.close());
  return { consumer, received };
}

const numberOf = (delivery: Delivery) => (delivery.body as { number: number }).number;
const command = (number: number) => ({
  exchange: exchanges.commands,
  routing_key: routingKeys.agentCommand(host),
  body: { number },
  message_id: `message ${number}`,
  type: 'command',
});

test('a message arrives with its id, and its queue is empty afterwards', async () => {
  const connection = await open();
  const { received, consumer } = consumerOn(connection);
  const publisher = await publisherOn(connection);
  await publisher.publish(command(1));
  await until('the message has arrived', () => received.length === 1);
  expect(received[0]).toMatchObject({
    body: { number: 1 },
    redelivered: false,
    routing_key: 'agent.compute1',
  });
  expect(received[0]?.properties).toMatchObject({ messageId: 'message 1', type: 'command', deliveryMode: 2 });
  await consumer.close();
  const channel = await connection.model.createChannel();
  expect((await channel.checkQueue(queues.agent(host))).messageCount).toBe(0);
});

test('the connection is cut again and again: nothing is lost, and what comes twice is the same message', async () => {
  const { proxy, url } = await throughProxy(broker.url);
  cleanUps.push(() => proxy.close());
  const connection = await open(url);
  const seen = new Map<number, number>();
  let running = 0;
  consumerOn(connection, {
    handler: async (delivery) => {
      running += 1;
      await new Promise((resolve) => setTimeout(resolve, 1));
      seen.set(numberOf(delivery), (seen.get(numberOf(delivery)) ?? 0) + 1);
      running -= 1;
    },
  });
  const publisher = await publisherOn(connection, { unconfirmed_max: 50 });
  const total = 400;
  const published: Array<Promise<void>> = [];
  let confirmed = 0;
  for (let number = 0; number < total; number += 1) {
    published.push(publisher.publish(command(number)).then(() => void (confirmed += 1)));
    if (number % 100 === 60) {
      await until('some messages of this part are confirmed', () => confirmed > number - 60);
      proxy.cut();
    }
  }
  await Promise.all(published);
  await until('every message has been handled', () => seen.size === total && running === 0);
  expect([...seen.keys()].sort((left, right) => left - right)).toEqual(
    Array.from({ length: total }, (_, number) => number),
  );
  expect(publisher.unconfirmed()).toBe(0);
});

test('without a broker publishOnce fails at once, publish waits, and drops go nowhere', async () => {
  const { proxy, url } = await throughProxy(broker.url);
  cleanUps.push(() => proxy.close());
  const connection = await open(url);
  const publisher = await publisherOn(connection);
  proxy.refuse(true);
  proxy.cut();
  await until('the publisher has noticed', () => !publisher.isOpen());
  await expect(publisher.publishOnce(command(1))).rejects.toMatchObject({ code: 'message_unpublished' });
  publisher.publishOrDrop(command(2));
  const waiting = publisher.publish(command(3));
  proxy.refuse(false);
  await waiting;
  const { received } = consumerOn(connection);
  await until('the kept message has arrived', () => received.length === 1);
  expect(received.map(numberOf)).toEqual([3]);
});

test('a consumer waits for a queue that does not exist yet', async () => {
  const connection = await open();
  const late = hostName('compute2');
  const { consumer, received } = consumerOn(connection, { queue: queues.agent(late) });
  const channel = await connection.model.createChannel();
  cleanUps.push(async () => void (await channel.deleteQueue(queues.agent(late))));
  await expect(
    connection.model.createChannel().then((probe) => {
      probe.on('error', () => {});
      return probe.checkQueue(queues.agent(late));
    }),
  ).rejects.toThrow(/NOT_FOUND/);
  expect(consumer.isConsuming()).toBe(false);
  await declareAgentQueue(channel, late);
  await until('the consumer has found its queue', () => consumer.isConsuming());
  const publisher = await publisherOn(connection);
  await publisher.publish({ ...command(7), routing_key: routingKeys.agentCommand(late) });
  await until('the message has arrived', () => received.length === 1);
});

test('a queue that is deleted under its consumer is found again when it is declared anew', async () => {
  const connection = await open();
  const late = hostName('compute3');
  const channel = await connection.model.createChannel();
  await declareAgentQueue(channel, late);
  cleanUps.push(async () => void (await channel.deleteQueue(queues.agent(late))));
  const { consumer, received } = consumerOn(connection, { queue: queues.agent(late) });
  await until('it consumes', () => consumer.isConsuming());
  await channel.deleteQueue(queues.agent(late));
  await until('it has noticed', () => !consumer.isConsuming());
  await declareAgentQueue(channel, late);
  await until('it consumes again', () => consumer.isConsuming());
  const publisher = await publisherOn(connection);
  await publisher.publish({ ...command(8), routing_key: routingKeys.agentCommand(late) });
  await until('the message has arrived', () => received.length === 1);
});

test('a failing handler gets the message again, and after the bound it is in the dead-letter queue', async () => {
  const connection = await open();
  let tries = 0;
  consumerOn(connection, {
    failures_max: 3,
    handler: async () => {
      tries += 1;
      throw new Error('cannot');
    },
  });
  const dead = consumerOn(connection, { queue: queues.dead });
  const publisher = await publisherOn(connection);
  await publisher.publish(command(9));
  await until('the message is dead', () => dead.received.length === 1);
  expect(tries).toBe(3);
  expect(dead.received.map(numberOf)).toEqual([9]);
});

test('while the database is away a message is not given up, however often it fails', async () => {
  const connection = await open();
  let tries = 0;
  const done: number[] = [];
  consumerOn(connection, {
    failures_max: 2,
    handler: async () => {
      tries += 1;
      if (tries <= 4) throw Object.assign(new Error('terminating connection'), { code: '57P01' });
      done.push(tries);
    },
  });
  const publisher = await publisherOn(connection);
  await publisher.publish(command(10));
  await until('it has been handled', () => done.length === 1);
  expect(done).toEqual([5]);
});

test('a message that is no JSON never reaches a handler', async () => {
  const connection = await open();
  const { received } = consumerOn(connection);
  const publisher = await publisherOn(connection);
  const channel = await connection.model.createChannel();
  await publisher.publish({ ...command(0), body: Buffer.from('{ no json') });
  await publisher.publish(command(1));
  await until('the good one has arrived', () => received.length === 1);
  await until('the bad one is dead', async () => (await channel.checkQueue(queues.dead)).messageCount === 1);
  expect(received.map(numberOf)).toEqual([1]);
});

test('closing waits for the handler that runs and leaves the rest in the queue', async () => {
  const connection = await open();
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  const started: number[] = [];
  const { consumer } = consumerOn(connection, {
    prefetch: 1,
    handler: async (delivery) => {
      started.push(numberOf(delivery));
      await held;
    },
  });
  const publisher = await publisherOn(connection);
  await Promise.all([publisher.publish(command(1)), publisher.publish(command(2))]);
  await until('the first is being handled', () => started.length === 1);
  let closed = false;
  const closing = consumer.close().then(() => (closed = true));
  const channel = await connection.model.createChannel();
  await channel.checkQueue(queues.agent(host));
  expect(closed).toBe(false);
  release();
  await closing;
  await until(
    'the second is back',
    async () => (await channel.checkQueue(queues.agent(host))).messageCount === 1,
  );
  expect(started).toEqual([1]);
});

test('a sender that states itself is verified by the broker', async () => {
  const connection = await open();
  const { received } = consumerOn(connection, { queue: queues.scheduler });
  const publisher = await publisherOn(connection, { state_sender: true });
  await publisher.publish({
    exchange: exchanges.events,
    routing_key: routingKeys.agentEvent(host),
    body: {},
  });
  await until('the event has arrived', () => received.length === 1);
  expect(received[0]?.properties.userId).toBe(connection.username);
  // Somebody else's name is refused: the channel ends and the message is not confirmed.
  const liar = await publisherOn({ ...connection, username: agentUser(host) }, { state_sender: true });
  await expect(
    liar.publishOnce({ exchange: exchanges.events, routing_key: routingKeys.agentEvent(host), body: {} }),
  ).rejects.toMatchObject({ code: 'message_unpublished' });
});
