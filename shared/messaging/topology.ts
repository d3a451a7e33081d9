import type { HostName } from '../domain/ids.ts';

/**
 * The broker's whole shape. Two exchanges:
 *
 *   drover.commands (direct)  scheduler ─ agent.<host> ─► queue drover.agent.<host>  (one per host)
 *   drover.events   (topic)   agents ─ event.<host>, api ─ wake ─► queue drover.scheduler (shared by all schedulers)
 *
 * All queues are durable quorum queues with a dead-letter target (exchange drover.dead → queue drover.dead):
 * reconnects alone spend a quorum queue's delivery limit, and a message must never vanish for that.
 * The scheduler declares everything; an agent may declare nothing, read only its own queue, and write only to
 * drover.events with its own routing key (topic permissions), so one host cannot speak for another.
 */
export const exchanges = {
  commands: 'drover.commands',
  events: 'drover.events',
  dead: 'drover.dead',
} as const;

export const queues = {
  scheduler: 'drover.scheduler',
  dead: 'drover.dead',
  agent: (host: HostName) => `drover.agent.${host}`,
} as const;

export const routingKeys = {
  agentCommand: (host: HostName) => `agent.${host}`,
  agentEvent: (host: HostName) => `event.${host}`,
  /** From the api: rows have changed, look at them. Carries no truth. */
  wake: 'wake',
} as const;

/** The RabbitMQ user of a host's agent. */
export const agentUser = (host: HostName) => `drover-agent-${host}`;
