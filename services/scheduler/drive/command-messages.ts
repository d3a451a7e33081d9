import { randomUUID } from 'node:crypto';
import type { OutboxMessage } from '../../../shared/database/outbox.ts';
import type { CommandMessage } from '../../../shared/messaging/messages.ts';
import { exchanges, routingKeys } from '../../../shared/messaging/topology.ts';
import type { World } from '../migration/model.ts';
import type { Order } from '../migration/outcome.ts';
import type { RowChanges } from './row-changes.ts';

type CommandOrder = Extract<Order, { type: 'command' }>;

/**
 * The message of an order.
 * @param fencing the driver's number: a host that has seen a higher one for this operation refuses this.
 */
export function commandMessage(world: World, order: CommandOrder, fencing: number): OutboxMessage {
  const now = Date.now();
  const message: CommandMessage = {
    type: 'command',
    message_id: randomUUID(),
    request_id: world.operation.request_id,
    sent_at: new Date(now).toISOString(),
    operation_id: world.operation.id,
    step: order.step,
    direction: order.direction,
    attempt: order.attempt,
    command: order.command,
    instance_id: world.instance.id,
    migration_id: world.operation.migration_id,
    epoch: order.epoch,
    fencing,
    deadline_at: new Date(now + order.deadline_seconds * 1000).toISOString(),
    arguments: order.arguments,
  };
  return { exchange: exchanges.commands, routing_key: routingKeys.agentCommand(order.host), message };
}

/**
 * Outbox rows as a part of the decision's statement. Without NOTIFY: this process wakes its own publisher after the
 * commit, and commits that notify wait for each other.
 */
export function addToOutbox(rows: RowChanges, messages: readonly OutboxMessage[]): void {
  if (messages.length === 0) return;
  rows.part({
    insert_into: 'outbox (exchange, routing_key, message)',
    select: `
      select exchange, routing_key, message
      from jsonb_to_recordset(${rows.add(JSON.stringify(messages), 'jsonb')}::jsonb)
        as m(exchange text, routing_key text, message jsonb)`,
  });
}
