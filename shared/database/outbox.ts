import type { Queryable } from './connect.ts';

/** What `notify` and `listen` use. */
export const OUTBOX_CHANNEL = 'drover_outbox';

export interface OutboxMessage {
  readonly exchange: string;
  readonly routing_key: string;
  readonly message: object;
}

export interface AppendOptions {
  /**
   * Tell publishers in other processes at the commit. Needless, and worth switching off, where this process runs a
   * publisher and wakes it after the commit: commits with a notification wait for each other (PostgreSQL orders
   * them with one lock per server), so under load they no longer share their flush to the disk.
   */
  readonly notify?: boolean;
}

/**
 * Puts messages beside a state change, in its transaction: either both happen or neither.
 * The publisher of shared/messaging/outbox-publisher.ts sends them; after a crash between commit and publish
 * they are sent by whoever polls next, and may be sent twice.
 */
export async function appendOutbox(
  transaction: Queryable,
  messages: readonly OutboxMessage[],
  options: AppendOptions = {},
): Promise<void> {
  if (messages.length === 0) return;
  const insert = `insert into outbox (exchange, routing_key, message)
     select * from unnest($1::text[], $2::text[], $3::jsonb[])`;
  await transaction.query(
    options.notify === false
      ? insert
      : `with appended as (${insert}) select pg_notify('${OUTBOX_CHANNEL}', '')`,
    [
      messages.map((message) => message.exchange),
      messages.map((message) => message.routing_key),
      messages.map((message) => JSON.stringify(message.message)),
    ],
  );
}
