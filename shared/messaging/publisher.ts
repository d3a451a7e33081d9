import type { ConfirmChannel, Options } from 'amqplib';
import { DroverError } from '../errors/drover-error.ts';
import type { BrokerConnection } from './connection.ts';
import { KeptChannel } from './kept-channel.ts';

export interface OutgoingMessage {
  readonly exchange: string;
  readonly routing_key: string;
  /** An object is sent as JSON; bytes are sent as they are and must be JSON already. */
  readonly body: object | Buffer;
  readonly message_id?: string;
  readonly type?: string;
}

export interface PublisherOptions {
  readonly purpose: string;
  /**
   * Sets the property `user-id`, which RabbitMQ compares with the connection's user: the receiver can rely on it.
   * Agents must; default false.
   */
  readonly state_sender?: boolean;
  /** Most messages that wait for their confirmation; further publishers wait for room. Default 1000. */
  readonly unconfirmed_max?: number;
  /** Called whenever messages can be sent (again). */
  readonly onOpen?: () => void;
}

export interface Publisher {
  isOpen(): boolean;
  /** Messages on their way. */
  unconfirmed(): number;
  /**
   * Resolves when the broker has the message on disk. Over breaks it is kept and sent again, so it may arrive twice,
   * and it stays in memory only: what must survive this process belongs in the outbox.
   * @throws DroverError message_unpublished after 100 tries or when the publisher is closed
   */
  publish(message: OutgoingMessage): Promise<void>;
  /**
   * One try on the channel that is open now.
   * @throws DroverError message_unpublished when there is none or the confirmation does not come
   */
  publishOnce(message: OutgoingMessage): Promise<void>;
  /**
   * For what is worthless when it is late (progress): sent if it can go now, else dropped. Nobody hears of its fate.
   */
  publishOrDrop(message: OutgoingMessage): void;
  close(): Promise<void>;
}

const TRIES_MAX = 100;
const RESEND_AFTER_MILLISECONDS = 50;

interface Pending {
  readonly message: OutgoingMessage;
  readonly once: boolean;
  readonly resolve: () => void;
  readonly reject: (error: DroverError) => void;
  sent: boolean;
  tries: number;
}

/** Opens a publisher with its own confirm channel on the connection. */
export function openPublisher(connection: BrokerConnection, options: PublisherOptions): Publisher {
  return new ConfirmPublisher(connection, options);
}

class ConfirmPublisher implements Publisher {
  readonly #pending = new Set<Pending>();
  readonly #waiting: Array<() => void> = [];
  readonly #channel: KeptChannel;
  readonly #connection: BrokerConnection;
  readonly #unconfirmedMax: number;
  readonly #properties: Options.Publish;
  #draining = false;
  #closed = false;
  #resend: NodeJS.Timeout | null = null;

  constructor(connection: BrokerConnection, options: PublisherOptions) {
    this.#connection = connection;
    this.#unconfirmedMax = options.unconfirmed_max ?? 1000;
    this.#properties = {
      persistent: true,
      contentType: 'application/json',
      // A command for a host that never registered goes nowhere; then the broker hands it back and we say so.
      mandatory: true,
      ...(options.state_sender === true ? { userId: connection.username } : {}),
    };
    this.#channel = new KeptChannel(connection, {
      purpose: options.purpose,
      onOpen: (channel) => {
        this.#watch(channel);
        for (const pending of this.#pending) this.#send(pending);
        options.onOpen?.();
      },
    });
  }

  isOpen(): boolean {
    return this.#channel.current !== null;
  }

  unconfirmed(): number {
    return this.#pending.size;
  }

  async publish(message: OutgoingMessage): Promise<void> {
    while (!this.#closed && !this.#hasRoom())
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    await this.#enqueue(message, false);
  }

  publishOnce(message: OutgoingMessage): Promise<void> {
    if (!this.isOpen()) return Promise.reject(unpublished(message, 'there is no connection'));
    return this.#enqueue(message, true);
  }

  publishOrDrop(message: OutgoingMessage): void {
    if (!this.isOpen() || !this.#hasRoom() || this.#pending.size > this.#unconfirmedMax / 2) return;
    this.publishOnce(message).catch(() => {});
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#resend !== null) clearTimeout(this.#resend);
    // What the broker confirms in these moments is not lost; the bound is the caller's closing time.
    const channel = this.#channel.current;
    if (channel !== null && this.#pending.size > 0) await channel.waitForConfirms().catch(() => {});
    await this.#channel.close();
    for (const pending of this.#pending) this.#fail(pending, 'the publisher was closed');
    for (const wake of this.#waiting.splice(0)) wake();
  }

  #enqueue(message: OutgoingMessage, once: boolean): Promise<void> {
    if (this.#closed) return Promise.reject(unpublished(message, 'the publisher is closed'));
    return new Promise<void>((resolve, reject) => {
      const pending: Pending = { message, once, resolve, reject, sent: false, tries: 0 };
      this.#pending.add(pending);
      this.#send(pending);
    });
  }

  #send(pending: Pending): void {
    const channel = this.#channel.current;
    if (channel === null || pending.sent) return;
    const { message } = pending;
    pending.sent = true;
    pending.tries += 1;
    try {
      const room = channel.publish(
        message.exchange,
        message.routing_key,
        Buffer.isBuffer(message.body) ? message.body : Buffer.from(JSON.stringify(message.body)),
        {
          ...this.#properties,
          ...(message.message_id === undefined ? {} : { messageId: message.message_id }),
          ...(message.type === undefined ? {} : { type: message.type }),
        },
        (error: unknown) =>
          error === null || error === undefined ? this.#confirm(pending) : this.#lose(pending, error),
      );
      if (!room) this.#draining = true;
    } catch (error) {
      // The channel died a moment ago and `close` has not been told yet: amqplib throws at once.
      this.#lose(pending, error);
    }
  }

  #confirm(pending: Pending): void {
    if (this.#pending.delete(pending)) pending.resolve();
    this.#makeRoom();
  }

  /** Refused, or its channel ended before the answer: it may have arrived, so a second sending may double it. */
  #lose(pending: Pending, error: unknown): void {
    pending.sent = false;
    const reason = error instanceof Error ? error.message : String(error);
    if (pending.once || pending.tries >= TRIES_MAX) this.#fail(pending, reason);
    else if (!this.#closed)
      this.#resend ??= setTimeout(() => {
        this.#resend = null;
        for (const lost of this.#pending) this.#send(lost);
      }, RESEND_AFTER_MILLISECONDS);
  }

  #fail(pending: Pending, reason: string): void {
    if (this.#pending.delete(pending)) pending.reject(unpublished(pending.message, reason));
    this.#makeRoom();
  }

  #watch(channel: ConfirmChannel): void {
    this.#draining = false;
    channel.on('drain', () => {
      this.#draining = false;
      this.#makeRoom();
    });
    channel.on('return', (message) =>
      this.#connection.log.warn(
        { exchange: message.fields.exchange, routing_key: message.fields.routingKey },
        'a message went nowhere: no queue is bound for its key',
      ),
    );
    this.#makeRoom();
  }

  #hasRoom(): boolean {
    return !this.#draining && this.#pending.size < this.#unconfirmedMax;
  }

  #makeRoom(): void {
    let room = this.#draining ? 0 : this.#unconfirmedMax - this.#pending.size;
    while (room > 0 && this.#waiting.length > 0) {
      this.#waiting.shift()?.();
      room -= 1;
    }
  }
}

function unpublished(message: OutgoingMessage, reason: string): DroverError {
  return new DroverError('message_unpublished', {
    exchange: message.exchange,
    routing_key: message.routing_key,
    reason,
  });
}
