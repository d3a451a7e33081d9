import type { Channel } from 'amqplib';
import type { HostName } from '../domain/ids.ts';
import { exchanges, queues, routingKeys } from './topology.ts';

/**
 * Deliveries that the broker allows a message before it calls it dead. Each reconnect of a consumer spends one of
 * every message it held, so it is high; messages that handlers fail on are stopped much earlier by the consumer.
 */
const DELIVERY_LIMIT = 1000;
/** The dead-letter queue is read by people: the newest of these many are kept. */
const DEAD_MESSAGES_MAX = 10_000;

/** Declares everything but the hosts' queues. Idempotent; the scheduler does it on each new channel. */
export async function declareTopology(channel: Channel): Promise<void> {
  await channel.assertExchange(exchanges.dead, 'fanout', { durable: true });
  await channel.assertQueue(queues.dead, {
    durable: true,
    arguments: { 'x-queue-type': 'quorum', 'x-max-length': DEAD_MESSAGES_MAX, 'x-overflow': 'drop-head' },
  });
  await channel.bindQueue(queues.dead, exchanges.dead, '');
  await channel.assertExchange(exchanges.commands, 'direct', { durable: true });
  await channel.assertExchange(exchanges.events, 'topic', { durable: true });
  await channel.assertQueue(queues.scheduler, workQueue());
  await channel.bindQueue(queues.scheduler, exchanges.events, 'event.#');
  await channel.bindQueue(queues.scheduler, exchanges.events, routingKeys.wake);
}

/** Declares one host's queue; the agent itself may declare nothing. Idempotent. */
export async function declareAgentQueue(channel: Channel, host: HostName): Promise<void> {
  const queue = queues.agent(host);
  await channel.assertQueue(queue, workQueue());
  await channel.bindQueue(queue, exchanges.commands, routingKeys.agentCommand(host));
}

function workQueue() {
  return {
    durable: true,
    deadLetterExchange: exchanges.dead,
    arguments: { 'x-queue-type': 'quorum', 'x-delivery-limit': DELIVERY_LIMIT },
  };
}
