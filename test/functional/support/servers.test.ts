import amqp from 'amqplib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hostName } from '../../../shared/domain/ids.ts';
import { exchanges, queues, routingKeys } from '../../../shared/messaging/topology.ts';
import { createTestBroker, type TestBroker } from './broker.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';

let database: TestDatabase;
let broker: TestBroker;

beforeAll(async () => {
  [database, broker] = await Promise.all([createTestDatabase(), createTestBroker()]);
});
afterAll(() => Promise.all([database.drop(), broker.release()]));

test('a test database has the present schema and no instances', async () => {
  const counted = await database.pool.query('select count(*) from instances');
  expect(counted.rows).toEqual([{ count: 0 }]);
});

test('two test databases and two virtual hosts differ', async () => {
  const [otherDatabase, otherBroker] = await Promise.all([createTestDatabase(), createTestBroker()]);
  try {
    expect(otherDatabase.url).not.toBe(database.url);
    expect(otherBroker.url).not.toBe(broker.url);
  } finally {
    await Promise.all([otherDatabase.drop(), otherBroker.release()]);
  }
});

/** Runs `attempt` on a fresh channel of the agent's user. @returns the broker's refusal, or null. */
async function refusal(
  host: string,
  attempt: (channel: amqp.ConfirmChannel) => Promise<unknown>,
): Promise<string | null> {
  const connection = await amqp.connect(broker.agentUrl(host));
  connection.on('error', () => undefined);
  const channel = await connection.createConfirmChannel();
  const closed = new Promise<string>((resolve) => {
    channel.once('error', (error: Error) => resolve(error.message));
  });
  try {
    return await Promise.race([
      closed,
      attempt(channel).then(
        () => null,
        () => closed,
      ),
    ]);
  } finally {
    await connection.close();
  }
}

test('an agent may read its own queue and speak for itself, and nothing else', async () => {
  const own = queues.agent(hostName('compute1'));
  const foreign = queues.agent(hostName('compute2'));
  const admin = await amqp.connect(broker.url);
  const setup = await admin.createChannel();
  await setup.assertExchange(exchanges.events, 'topic');
  await setup.assertExchange(exchanges.commands, 'direct');
  for (const queue of [own, foreign]) await setup.assertQueue(queue, { durable: true });
  await admin.close();

  const publish =
    (exchange: string, key: string, userId?: string) => async (channel: amqp.ConfirmChannel) => {
      channel.publish(exchange, key, Buffer.from('{}'), userId === undefined ? {} : { userId });
      await channel.waitForConfirms();
    };
  const consume = (queue: string) => (channel: amqp.ConfirmChannel) =>
    channel.consume(queue, () => undefined);
  const ownKey = routingKeys.agentEvent(hostName('compute1'));

  expect(await refusal('compute1', consume(own))).toBeNull();
  expect(await refusal('compute1', publish(exchanges.events, ownKey, 'drover-agent-compute1'))).toBeNull();
  expect(await refusal('compute1', consume(foreign))).toMatch(/ACCESS_REFUSED/);
  expect(await refusal('compute1', publish(exchanges.events, 'event.compute2'))).toMatch(/ACCESS_REFUSED/);
  expect(await refusal('compute1', publish(exchanges.events, 'wake'))).toMatch(/ACCESS_REFUSED/);
  expect(await refusal('compute1', publish(exchanges.commands, 'agent.compute2'))).toMatch(/ACCESS_REFUSED/);
  expect(await refusal('compute1', publish(exchanges.events, ownKey, 'drover-agent-compute2'))).toMatch(
    /user_id/,
  );
  expect(await refusal('compute1', (channel) => channel.assertQueue('mine'))).toMatch(/ACCESS_REFUSED/);
});
