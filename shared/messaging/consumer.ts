import { setTimeout as delay } from 'node:timers/promises';
import type { ConfirmChannel, ConsumeMessage, MessageProperties } from 'amqplib';
import { isConnectionError, isLockWaitError } from '../database/connection-errors.ts';
import type { BrokerConnection } from './connection.ts';
import { KeptChannel } from './kept-channel.ts';

/** One message as it came. `body` is parsed JSON and nothing more: its shape is for the handler to check. */
export interface Delivery {
  readonly body: unknown;
  readonly routing_key: string;
  /** `userId` is verified by the broker. */
  readonly properties: MessageProperties;
  readonly redelivered: boolean;
}

export interface ConsumerOptions {
  readonly queue: string;
  /** Messages handled at the same time. */
  readonly prefetch: number;
  /**
   * The message is acknowledged when the promise resolves, and comes again when it rejects. It may come twice in any
   * case, and two may be handled in another order than they were sent in.
   */
  readonly handler: (delivery: Delivery) => Promise<void>;
  /**
   * A message that this process has failed on this often goes to the dead-letter queue. Default 10. Failures because
   * the database is away, or somebody keeps a lock in it, are not the message's, and do not count.
   */
  readonly failures_max?: number;
  /** Runs on each new channel before consuming: the scheduler declares the topology here. */
  readonly setup?: (channel: ConfirmChannel) => Promise<void>;
}

export interface Consumer {
  /** True while messages can arrive. */
  isConsuming(): boolean;
  /** Takes no more messages and waits for the handlers that run; the rest goes back to the queue. */
  close(): Promise<void>;
}

interface Failures {
  /** All of them: the pauses grow with these. */
  readonly seen: number;
  readonly counted: number;
}

const RETRY_MILLISECONDS_MIN = 50;
const RETRY_MILLISECONDS_MAX = 5000;

/**
 * Starts consuming. A queue that does not exist yet (404), a broker that is away and a queue that is deleted under
 * us all mean: try again, with growing pauses.
 */
export function startConsumer(connection: BrokerConnection, options: ConsumerOptions): Consumer {
  return new QueueConsumer(connection, options);
}

class QueueConsumer implements Consumer {
  readonly #connection: BrokerConnection;
  readonly #options: ConsumerOptions;
  readonly #channel: KeptChannel;
  readonly #running = new Set<Promise<void>>();
  /**
   * Failures of our handler per message. Not the broker's delivery count: that one also rises with every
   * reconnect, and a message must not be dropped because the network flaps.
   */
  readonly #failures = new Map<string, Failures>();
  readonly #closing = new AbortController();
  #tag: string | null = null;

  constructor(connection: BrokerConnection, options: ConsumerOptions) {
    this.#connection = connection;
    this.#options = options;
    this.#channel = new KeptChannel(connection, {
      purpose: `consume ${options.queue}`,
      setup: async (channel) => {
        await options.setup?.(channel);
        await channel.prefetch(options.prefetch);
        // A message may arrive before this returns; nothing in its handling depends on that.
        const { consumerTag } = await channel.consume(options.queue, (message) =>
          this.#arrived(channel, message),
        );
        this.#tag = consumerTag;
      },
    });
  }

  isConsuming(): boolean {
    return this.#channel.current !== null;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    const channel = this.#channel.current;
    if (channel !== null && this.#tag !== null) await channel.cancel(this.#tag).catch(() => {});
    await Promise.all(this.#running);
    await this.#channel.close();
  }

  #arrived(channel: ConfirmChannel, message: ConsumeMessage | null): void {
    if (message === null) {
      // The broker cancelled us: the queue was deleted or its leader moved. A new channel starts over.
      channel.close().catch(() => {});
      return;
    }
    const handling = this.#handle(channel, message).finally(() => this.#running.delete(handling));
    this.#running.add(handling);
  }

  async #handle(channel: ConfirmChannel, message: ConsumeMessage): Promise<void> {
    const body = parseBody(message.content);
    if (body === undefined) {
      this.#connection.log.error(
        { queue: this.#options.queue, bytes: message.content.length },
        'a message is no JSON; it goes to the dead-letter queue',
      );
      settle(() => channel.reject(message, false));
      return;
    }
    try {
      await this.#options.handler({
        body,
        routing_key: message.fields.routingKey,
        properties: message.properties,
        redelivered: message.fields.redelivered,
      });
      this.#failures.delete(keyOf(message));
      settle(() => channel.ack(message));
    } catch (error) {
      await this.#failed(channel, message, error);
    }
  }

  async #failed(channel: ConfirmChannel, message: ConsumeMessage, error: unknown): Promise<void> {
    const key = keyOf(message);
    const before = this.#failures.get(key) ?? { seen: 0, counted: 0 };
    const seen = before.seen + 1;
    const counted = before.counted + (isConnectionError(error) || isLockWaitError(error) ? 0 : 1);
    const last = counted >= (this.#options.failures_max ?? 10);
    this.#connection.log.error(
      { error, queue: this.#options.queue, message_id: key, failures: counted },
      last
        ? 'a message could not be handled; it goes to the dead-letter queue'
        : 'a message could not be handled; it comes again',
    );
    if (last) this.#failures.delete(key);
    else {
      this.#failures.set(key, { seen, counted });
      forgetOldest(this.#failures);
      const pause = Math.min(RETRY_MILLISECONDS_MAX, RETRY_MILLISECONDS_MIN * 2 ** (seen - 1));
      await delay(pause, undefined, { signal: this.#closing.signal }).catch(() => {});
    }
    settle(() => channel.nack(message, false, !last));
  }
}

/** On a channel that has ended an answer throws; the broker has taken the message back already. */
function settle(answer: () => void): void {
  try {
    answer();
  } catch {
    // see above
  }
}

function keyOf(message: ConsumeMessage): string {
  const { messageId } = message.properties;
  return typeof messageId === 'string' ? messageId : `delivery ${message.fields.deliveryTag}`;
}

const REMEMBERED_FAILURES_MAX = 10_000;

function forgetOldest(failures: Map<string, Failures>): void {
  const oldest = failures.keys().next();
  if (failures.size > REMEMBERED_FAILURES_MAX && oldest.done !== true) failures.delete(oldest.value);
}

function parseBody(content: Buffer): unknown {
  try {
    return JSON.parse(content.toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}
