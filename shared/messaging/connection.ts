import { connect, type RecoveringChannelModel } from 'amqplib';
import type { Logger } from '../logging/logger.ts';
import { brokerName, parseTransportUrl, type BrokerAddress } from './transport-url.ts';

export interface BrokerOptions {
  /** transport_url. */
  readonly url: string;
  /** Shown in RabbitMQ's list of connections: `scheduler`, `agent compute1`. */
  readonly name: string;
  readonly log: Logger;
  /** False: return at once and connect in the background (the api answers without a broker). Default true. */
  readonly wait?: boolean;
  /** A dead peer is noticed after about twice this time. Default 10. */
  readonly heartbeat_seconds?: number;
}

/**
 * One connection that comes back by itself, for ever. Channels do not: they end with their connection and also on
 * their own mistakes. So nobody opens a channel here directly; shared/messaging/kept-channel.ts keeps one open.
 */
export interface BrokerConnection {
  readonly name: string;
  readonly username: string;
  readonly log: Logger;
  readonly model: RecoveringChannelModel;
  isConnected(): boolean;
  close(): Promise<void>;
}

/** Connects to the brokers of a transport URL, one after the other until one answers. */
export async function connectBroker(options: BrokerOptions): Promise<BrokerConnection> {
  const brokers = parseTransportUrl(options.url);
  const round = new BrokerRound(brokers, options.heartbeat_seconds ?? 10);
  const { log } = options;
  const model = await connect(round.target, {
    // Without it Nagle's algorithm holds every small message back for a round trip.
    noDelay: true,
    keepAlive: true,
    timeout: 10_000,
    clientProperties: { connection_name: options.name, product: 'drover' },
    recovery: { initialDelay: 100, maxDelay: 5000, factor: 2, jitter: 0.2, waitForConnect: false },
  });

  let connected = false;
  let closing = false;
  // A `connect` listener that throws makes amqplib reconnect for ever: these only log and set flags.
  model.on('connect', () => {
    connected = true;
    log.info({ broker: round.name() }, 'connected to the message broker');
  });
  model.on('disconnect', (error: Error) => {
    connected = false;
    if (closing) return;
    log.warn({ broker: round.name(), reason: error.message }, 'lost the message broker, connecting again');
    round.next();
  });
  model.on('connect-failed', (error: Error) => {
    log.warn(
      { broker: round.name(), reason: error.message },
      'the message broker does not take us, trying again',
    );
    round.next();
  });
  // `error` comes before `disconnect` with the same text; without a listener it would end the process.
  model.on('error', () => {});
  model.on('handler-error', (error: Error) =>
    log.error({ error }, 'a listener of the broker connection threw'),
  );
  model.on('blocked', (reason: string) =>
    log.warn({ reason }, 'the message broker takes no messages for now'),
  );
  model.on('unblocked', () => log.info('the message broker takes messages again'));
  if (options.wait !== false) await model.waitForConnect();

  return {
    name: options.name,
    username: brokers[0]?.username ?? '',
    log,
    model,
    isConnected: () => connected,
    close: async () => {
      closing = true;
      await model.close();
    },
  };
}

/** amqplib reads the target's fields again for each attempt; so getters are how the next broker has its turn. */
class BrokerRound {
  readonly target: {
    readonly protocol: string;
    readonly hostname: string;
    readonly port: number;
    readonly username: string;
    readonly password: string;
    readonly vhost: string;
    readonly heartbeat: number;
  };
  #index = 0;
  readonly #brokers: readonly BrokerAddress[];

  constructor(brokers: readonly BrokerAddress[], heartbeat: number) {
    this.#brokers = brokers;
    const current = () => this.#current();
    this.target = {
      heartbeat,
      get protocol() {
        return current().protocol;
      },
      get hostname() {
        return current().hostname;
      },
      get port() {
        return current().port;
      },
      get username() {
        return current().username;
      },
      get password() {
        return current().password;
      },
      get vhost() {
        return current().vhost;
      },
    };
  }

  next(): void {
    this.#index = (this.#index + 1) % this.#brokers.length;
  }

  name(): string {
    return brokerName(this.#current());
  }

  #current(): BrokerAddress {
    const broker = this.#brokers[this.#index];
    if (broker === undefined) throw new Error('a transport URL without brokers passed its parser');
    return broker;
  }
}
