import type { Queryable } from './connect.ts';

export interface OutboxMessage {
  readonly exchange: string;
  readonly routing_key: string;
  readonly message: object;
}

/**
 * Puts messages beside a state change, in its transaction: either both happen or neither.
 * The publisher of shared/messaging/outbox-publisher.ts sends them; after a crash between commit and publish
 * they are sent by whoever polls next, and may be sent twice.
 */
export async function appendOutbox(
  transaction: Queryable,
  messages: readonly OutboxMessage[],
): Promise<void> {
  if (messages.length === 0) return;
  await transaction.query(
    `insert into outbox (exchange, routing_key, message)
     select * from unnest($1::text[], $2::text[], $3::jsonb[])`,
    [
      messages.map((message) => message.exchange),
      messages.map((message) => message.routing_key),
      messages.map((message) => JSON.stringify(message.message)),
    ],
  );
  await transaction.query(`notify drover_outbox`);
}
