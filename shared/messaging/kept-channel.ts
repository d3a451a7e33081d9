import { setTimeout as delay } from 'node:timers/promises';
import type { ConfirmChannel } from 'amqplib';
import type { BrokerConnection } from './connection.ts';

export interface KeptChannelOptions {
  /** For the log: what this channel is for. */
  readonly purpose: string;
  /** Runs on every new channel before it counts as open (topology, prefetch, consume). */
  readonly setup?: (channel: ConfirmChannel) => Promise<void>;
  readonly onOpen?: (channel: ConfirmChannel) => void;
}

const DELAY_MILLISECONDS_MIN = 20;
const DELAY_MILLISECONDS_MAX = 2000;
/** A channel that lived shorter has not proved anything: the pause before the next one goes on growing. */
const PROVEN_AFTER_MILLISECONDS = 1000;

/**
 * A confirm channel that is opened again whenever it ends: with its connection, by a mistake of its own (RabbitMQ
 * closes a channel for a queue or exchange that does not exist yet), or because `setup` failed.
 *
 * `current` is the channel to use now; never keep it. A channel may die between a look and a use, and then amqplib
 * throws synchronously: callers must be ready for that.
 */
export class KeptChannel {
  #current: ConfirmChannel | null = null;
  readonly #closing = new AbortController();
  readonly #connection: BrokerConnection;
  readonly #options: KeptChannelOptions;
  readonly #loop: Promise<void>;

  constructor(connection: BrokerConnection, options: KeptChannelOptions) {
    this.#connection = connection;
    this.#options = options;
    this.#loop = this.#keep();
  }

  get current(): ConfirmChannel | null {
    return this.#current;
  }

  /** Closes the channel and opens no other. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#current?.close().catch(() => {});
    // Without a connection the loop waits for one; it ends when the connection is closed. Nobody waits for that.
    if (this.#connection.isConnected()) await this.#loop;
  }

  async #keep(): Promise<void> {
    let failures = 0;
    let said: string | null = null;
    while (!this.#closing.signal.aborted) {
      const { reason, lived_milliseconds } = await this.#live();
      if (this.#closing.signal.aborted) return;
      failures = lived_milliseconds >= PROVEN_AFTER_MILLISECONDS ? 0 : failures + 1;
      if (reason !== said && reason !== null)
        this.#connection.log.warn(
          { purpose: this.#options.purpose, reason },
          'channel ended, opening it again',
        );
      said = failures === 0 ? null : reason;
      await delay(backoffMilliseconds(failures), undefined, { signal: this.#closing.signal }).catch(() => {});
    }
  }

  /** One channel from its opening to its end. */
  async #live(): Promise<{ reason: string | null; lived_milliseconds: number }> {
    let channel: ConfirmChannel | null = null;
    const failures: Error[] = [];
    let opened_at: number | null = null;
    try {
      channel = await this.#connection.model.createConfirmChannel();
      const opened = channel;
      opened.on('error', (error: Error) => failures.push(error));
      opened.on('handler-error', (error: Error) =>
        this.#connection.log.error(
          { error, purpose: this.#options.purpose },
          'a listener of a channel threw',
        ),
      );
      const ended = new Promise<void>((resolve) => opened.once('close', resolve));
      await this.#options.setup?.(opened);
      if (this.#closing.signal.aborted) await opened.close().catch(() => {});
      else {
        this.#current = opened;
        opened_at = performance.now();
        this.#options.onOpen?.(opened);
      }
      await ended;
    } catch (error) {
      failures.push(error instanceof Error ? error : new Error(String(error)));
      await channel?.close().catch(() => {});
    } finally {
      this.#current = null;
    }
    return {
      reason: failures[0]?.message ?? null,
      lived_milliseconds: opened_at === null ? 0 : performance.now() - opened_at,
    };
  }
}

/** Grows by half each time, with a fifth of jitter so that a thousand agents do not come back together. */
function backoffMilliseconds(failures: number): number {
  const base = Math.min(DELAY_MILLISECONDS_MAX, DELAY_MILLISECONDS_MIN * 1.5 ** failures);
  return base * (0.8 + Math.random() * 0.4);
}
