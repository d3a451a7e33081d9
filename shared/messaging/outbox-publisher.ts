import type { Pool } from '../database/connect.ts';
import type { Logger } from '../logging/logger.ts';
import { startOutboxListener } from './outbox-listener.ts';
import type { Publisher } from './publisher.ts';

export interface OutboxPublisherOptions {
  readonly pool: Pool;
  readonly publisher: Publisher;
  readonly log: Logger;
  /**
   * Connection string for LISTEN. Null: this process hears only its own wake-ups and the poll; right for one that
   * wakes its publisher itself and leaves the rows of others to them.
   */
  readonly listen_connection: string | null;
  readonly poll_interval_seconds: number;
  /** Default 200. */
  readonly batch_size?: number;
}

export interface OutboxPublisher {
  /** Rows were committed: look now. Cheap; may be called as often as one likes. */
  wake(): void;
  /** Ends after the batch that runs. */
  close(): Promise<void>;
}

interface OutboxRow {
  readonly id: number;
  readonly exchange: string;
  readonly routing_key: string;
  readonly message: string;
  readonly message_id: string | null;
  readonly type: string | null;
}

/**
 * Moves rows from the outbox to the broker:
 *
 *   begin · select … for update skip locked · publish, wait for all confirmations · delete · commit
 *
 * A crash anywhere before the commit leaves the rows for whoever looks next: at least once, never lost. Several may
 * run at once, in one process or many; a row is with one of them at a time. Within a batch the order is that of the
 * ids; between two publishers there is none, and the protocol on top needs none (each step awaits its answer).
 *
 * Both ends of the transaction travel with a query in one round trip: with the confirmation that makes three on the
 * path of every command. One batch at a time is enough: under load it grows instead.
 */
export function startOutboxPublisher(options: OutboxPublisherOptions): OutboxPublisher {
  return new BatchingOutboxPublisher(options);
}

class BatchingOutboxPublisher implements OutboxPublisher {
  readonly #options: OutboxPublisherOptions;
  readonly #batchSize: number;
  readonly #listener: { close(): Promise<void> } | null;
  readonly #loop: Promise<void>;
  #awake = true;
  #closing = false;
  #rouse: (() => void) | null = null;

  constructor(options: OutboxPublisherOptions) {
    this.#options = options;
    this.#batchSize = Math.max(1, Math.floor(options.batch_size ?? 200));
    this.#listener =
      options.listen_connection === null
        ? null
        : startOutboxListener({
            connection: options.listen_connection,
            application_name: 'drover outbox listener',
            log: options.log,
            onNotified: () => this.wake(),
          });
    this.#loop = this.#run();
  }

  wake(): void {
    this.#awake = true;
    this.#rouse?.();
  }

  async close(): Promise<void> {
    this.#closing = true;
    this.#rouse?.();
    await this.#listener?.close();
    await this.#loop;
  }

  async #run(): Promise<void> {
    while (!this.#closing) {
      this.#awake = false;
      const outcome = await this.#publishBatch().catch((error: unknown) => {
        this.#options.log.warn({ error }, 'outbox messages could not be sent; they stay and are tried again');
        return 'failed' as const;
      });
      if (outcome === 'more') continue;
      // After a failure a wake-up does not help; the poll paces the tries.
      await this.#sleep(outcome === 'failed' ? 'whatever comes' : 'until woken');
    }
  }

  /** Sleeps the poll interval, or until woken. A wake-up during the batch counts. */
  async #sleep(depth: 'until woken' | 'whatever comes'): Promise<void> {
    if (this.#closing || (depth === 'until woken' && this.#awake)) return;
    const pause = this.#options.poll_interval_seconds * 1000 * (0.8 + Math.random() * 0.4);
    await new Promise<void>((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.#rouse = null;
        resolve();
      };
      const timer = setTimeout(end, depth === 'until woken' ? pause : Math.min(pause, 500));
      this.#rouse = () => {
        if (depth === 'until woken' || this.#closing) end();
      };
    });
  }

  async #publishBatch(): Promise<'more' | 'empty' | 'failed'> {
    const { pool, publisher } = this.#options;
    // Without a channel a transaction would only hold locks that another publisher could use.
    if (!publisher.isOpen()) return 'failed';
    const client = await pool.connect();
    let broken: Error | undefined;
    try {
      const rows = rowsOf(
        await client.query(`begin; select id, exchange, routing_key, message::text as message,
            message->>'message_id' as message_id, message->>'type' as type
          from outbox order by id limit ${this.#batchSize} for update skip locked`),
      );
      if (rows.length === 0) {
        await client.query('commit');
        return 'empty';
      }
      const outcomes = await Promise.allSettled(rows.map((row) => publisher.publishOnce(toMessage(row))));
      const sent = rows.filter((_, index) => outcomes[index]?.status === 'fulfilled').map((row) => row.id);
      const failure = outcomes.find((outcome) => outcome.status === 'rejected');
      // Ids are numbers that the database made: they can stand in the text, and then one round trip ends it all.
      await client.query(
        sent.length === 0
          ? 'commit'
          : `delete from outbox where id in (${sent.map(Number).join(',')}); commit`,
      );
      if (failure !== undefined) throw failure.reason;
      return rows.length === this.#batchSize ? 'more' : 'empty';
    } catch (error) {
      await client.query('rollback').catch((rollbackError: unknown) => {
        broken = rollbackError instanceof Error ? rollbackError : new Error(String(rollbackError));
      });
      throw error;
    } finally {
      client.release(broken);
    }
  }
}

/** A text of several statements has one result per statement; pg's types know only of one. */
function rowsOf(results: unknown): readonly OutboxRow[] {
  const list = Array.isArray(results) ? (results as Array<{ rows: readonly OutboxRow[] }>) : [];
  return list.at(-1)?.rows ?? [];
}

function toMessage(row: OutboxRow) {
  return {
    exchange: row.exchange,
    routing_key: row.routing_key,
    body: Buffer.from(row.message),
    ...(row.message_id === null ? {} : { message_id: row.message_id }),
    ...(row.type === null ? {} : { type: row.type }),
  };
}
