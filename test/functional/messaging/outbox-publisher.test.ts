import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { inTransaction } from '../../../shared/database/connect.ts';
import { appendOutbox } from '../../../shared/database/outbox.ts';
import { connectBroker, type BrokerConnection } from '../../../shared/messaging/connection.ts';
import { startConsumer } from '../../../shared/messaging/consumer.ts';
import { declareTopology } from '../../../shared/messaging/declare-topology.ts';
import { startOutboxPublisher, type OutboxPublisher } from '../../../shared/messaging/outbox-publisher.ts';
import { openPublisher } from '../../../shared/messaging/publisher.ts';
import { exchanges, queues, routingKeys } from '../../../shared/messaging/topology.ts';
import { createTestBroker, type TestBroker } from '../support/broker.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { silent, throughProxy, until } from './support.ts';

/** So long that a test which is done before can only have been woken. */
const NEVER_SECONDS = 300;

let broker: TestBroker;
let database: TestDatabase;
const cleanUps: Array<() => Promise<void>> = [];

beforeAll(async () => {
  [database, broker] = await Promise.all([createTestDatabase(), createTestBroker()]);
});
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});
afterAll(() => Promise.all([database.drop(), broker.release()]));

async function open(url = broker.url): Promise<BrokerConnection> {
  const connection = await connectBroker({ url, name: 'test', log: silent });
  cleanUps.push(() => connection.close());
  return connection;
}

/** Numbers in the order of their arrival. */
async function receive(): Promise<number[]> {
  const received: number[] = [];
  const consumer = startConsumer(await open(), {
    queue: queues.scheduler,
    prefetch: 100,
    setup: async (channel) => {
      await declareTopology(channel);
      await channel.purgeQueue(queues.scheduler);
    },
    handler: async ({ body }) => void received.push((body as { number: number }).number),
  });
  cleanUps.push(() => consumer.close());
  await until('it consumes', () => consumer.isConsuming());
  return received;
}

async function outboxOn(
  connection: BrokerConnection,
  given: { poll_interval_seconds?: number; listen?: boolean; batch_size?: number } = {},
): Promise<OutboxPublisher> {
  let outbox: OutboxPublisher | null = null;
  const publisher = openPublisher(connection, { purpose: 'outbox', onOpen: () => outbox?.wake() });
  cleanUps.push(() => publisher.close());
  await until('the publisher is open', () => publisher.isOpen());
  const started = startOutboxPublisher({
    pool: database.pool,
    publisher,
    log: silent,
    listen_connection: given.listen === true ? database.url : null,
    poll_interval_seconds: given.poll_interval_seconds ?? NEVER_SECONDS,
    ...(given.batch_size === undefined ? {} : { batch_size: given.batch_size }),
  });
  outbox = started;
  cleanUps.push(() => started.close());
  return started;
}

const write = (numbers: readonly number[], notify: boolean) =>
  inTransaction(database.pool, (transaction) =>
    appendOutbox(
      transaction,
      numbers.map((number) => ({
        exchange: exchanges.events,
        routing_key: routingKeys.wake,
        message: { number, message_id: `m${number}`, type: 'wake' },
      })),
      { notify },
    ),
  );

const left = async () =>
  (await database.pool.query<{ count: number }>('select count(*) from outbox')).rows[0]?.count;
const upTo = (count: number) => Array.from({ length: count }, (_, number) => number);

test('messages of one transaction are sent in its order, in several batches, and their rows are gone', async () => {
  const received = await receive();
  const outbox = await outboxOn(await open(), { batch_size: 7 });
  await write(upTo(50), false);
  outbox.wake();
  await until('all have arrived', () => received.length === 50);
  expect(received).toEqual(upTo(50));
  await until('the rows are gone', async () => (await left()) === 0);
});

test('a notification of another process wakes it, also after its listening connection was ended', async () => {
  const received = await receive();
  await outboxOn(await open(), { listen: true });
  const listening = () =>
    database.pool.query<{ pid: number }>(
      `select pid from pg_stat_activity where datname = current_database() and application_name = 'drover outbox listener'
       and query ilike 'listen%' and state = 'idle'`,
    );
  await until('it listens', async () => (await listening()).rows.length === 1);
  await write([1], true);
  await until('the first has arrived', () => received.length === 1);
  const before = (await listening()).rows[0]?.pid;
  await database.pool.query('select pg_terminate_backend($1)', [before]);
  await until('it listens again', async () => {
    const now = (await listening()).rows[0]?.pid;
    return now !== undefined && now !== before;
  });
  await write([2], true);
  await until('the second has arrived', () => received.length === 2);
});

test('without any wake-up the poll finds the rows', async () => {
  const received = await receive();
  await outboxOn(await open(), { poll_interval_seconds: 0.05 });
  await write([1, 2], false);
  await until('both have arrived', () => received.length === 2);
});

test('a transaction that is rolled back sends nothing', async () => {
  const received = await receive();
  const outbox = await outboxOn(await open());
  await expect(
    inTransaction(database.pool, async (transaction) => {
      await appendOutbox(transaction, [
        { exchange: exchanges.events, routing_key: routingKeys.wake, message: { number: 1 } },
      ]);
      throw new Error('undo');
    }),
  ).rejects.toThrow('undo');
  await write([2], false);
  outbox.wake();
  await until('the other one has arrived', () => received.length > 0);
  expect(received).toEqual([2]);
});

test('two publishers at once send every message once while nothing breaks', async () => {
  const received = await receive();
  const both = [
    await outboxOn(await open(), { batch_size: 5 }),
    await outboxOn(await open(), { batch_size: 5 }),
  ];
  for (const number of upTo(20)) {
    await write(
      upTo(10).map((part) => number * 10 + part),
      false,
    );
    for (const outbox of both) outbox.wake();
  }
  await until('all have arrived', () => received.length >= 200);
  await until('the rows are gone', async () => (await left()) === 0);
  expect(received.sort((first, second) => first - second)).toEqual(upTo(200));
});

test('the broker is cut while the outbox is sent: rows stay until they are confirmed, nothing is lost', async () => {
  const received = await receive();
  const { proxy, url } = await throughProxy(broker.url);
  cleanUps.push(() => proxy.close());
  const outbox = await outboxOn(await open(url), { batch_size: 10, poll_interval_seconds: 0.2 });
  for (let part = 0; part < 10; part += 1) {
    await write(
      upTo(20).map((number) => part * 20 + number),
      false,
    );
    outbox.wake();
    if (part % 3 === 1) proxy.cut();
  }
  await until('all have arrived', () => new Set(received).size === 200);
  await until('the rows are gone', async () => (await left()) === 0);
});

test('while the broker is away the rows wait, and no transaction stays open', async () => {
  const received = await receive();
  const { proxy, url } = await throughProxy(broker.url);
  cleanUps.push(() => proxy.close());
  const connection = await open(url);
  const outbox = await outboxOn(connection, { poll_interval_seconds: 0.05 });
  proxy.refuse(true);
  proxy.cut();
  await until('it has noticed', () => !connection.isConnected());
  await write([1], false);
  outbox.wake();
  const open_transactions = await database.pool.query(
    `select from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'`,
  );
  expect(open_transactions.rowCount).toBe(0);
  expect(await left()).toBe(1);
  proxy.refuse(false);
  await until('the message has arrived', () => received.length === 1);
});
