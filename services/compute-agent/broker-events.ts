import type { HostName } from '../../shared/domain/ids.ts';
import type { AgentEvent } from '../../shared/messaging/messages.ts';
import type { OutgoingMessage, Publisher } from '../../shared/messaging/publisher.ts';
import { exchanges, routingKeys } from '../../shared/messaging/topology.ts';
import type { EventPublisher } from './agent-events.ts';

/** Sends a host's events with its own routing key, the only one that the broker lets it use. */
export function brokerEvents(host: HostName, publisher: Publisher): EventPublisher {
  const outgoing = (event: AgentEvent): OutgoingMessage => ({
    exchange: exchanges.events,
    routing_key: routingKeys.agentEvent(host),
    body: event,
    message_id: event.message_id,
    type: event.type,
  });
  return {
    publish: (event) => publisher.publish(outgoing(event)),
    publishOrDrop: (event) => publisher.publishOrDrop(outgoing(event)),
  };
}
