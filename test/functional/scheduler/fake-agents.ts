import { randomUUID } from 'node:crypto';
import { hostName, type OperationId } from '../../../shared/domain/ids.ts';
import { connectBroker, type BrokerConnection } from '../../../shared/messaging/connection.ts';
import { startConsumer, type Consumer } from '../../../shared/messaging/consumer.ts';
import type { CommandName, CommandResults } from '../../../shared/messaging/commands.ts';
import type { CommandMessage } from '../../../shared/messaging/messages.ts';
import { openPublisher, type Publisher } from '../../../shared/messaging/publisher.ts';
import { exchanges, queues, routingKeys } from '../../../shared/messaging/topology.ts';
import { silent } from './test-scheduler.ts';

export const digests = [
  { name: 'disk', algorithm: 'blake3-tree', digest: 'ab'.repeat(64), size_bytes: 1 },
] as const;
const disks = [
  {
    name: 'disk',
    format: 'raw',
    virtual_size_bytes: 1,
    file_size_bytes: 1,
    allocated_bytes: 1,
    backing: null,
  },
] as const;

/** What a host that does everything right answers. */
export const goodResults: { readonly [Name in CommandName]: CommandResults[Name] } = {
  spawn: { power_state: 1 },
  destroy: {},
  power_on: { power_state: 1 },
  power_off: { power_state: 4 },
  reboot: { power_state: 1 },
  survey: { disks, power_state: 1, public_key: 'ssh-ed25519 AAAA', source_address: '127.0.1.1' },
  admit: {
    endpoint: { address: '127.0.1.2', port: 22, user: 'root', host_keys: ['ssh-ed25519 AAAA'] },
  },
  unadmit: {},
  connect: {},
  stop: { was_running: true, forced: false },
  precopy: { rounds: [], predicted_downtime_seconds: 1, ended: 'fits_budget' },
  copy: {
    digests,
    sent_bytes: 1,
    skipped_bytes: 0,
    duration_seconds: 0.01,
    resent_bytes: 0,
    rounds: 1,
  },
  abort_copy: {},
  limit: {},
  pause_copy: {},
  verify: { digests },
  prepare: {},
  extract: { size_bytes: 1, sha512: 'ab'.repeat(64), held_seconds: 0 },
  upload: {},
  discard_extract: {},
  retire: {},
  unretire: {},
  adopt: { power_state: 1 },
  unadopt: {},
  check: { power_state: 1 },
  discard_source: {},
  withdraw: { was_running: true },
  unwithdraw: { power_state: 1 },
  restore: { power_state: 1 },
  unrestore: {},
  discard_target: {},
};

export type Answer =
  | { readonly result: CommandResults[CommandName] }
  | { readonly code: string; readonly message: string; readonly retriable: boolean }
  | 'silence';
/** Null: the good answer. */
export type Script = (command: CommandMessage, host: string) => Answer | null;

/** Hosts that answer every command at once, or as the script says. */
export class FakeAgents {
  readonly commands: Array<{ readonly host: string; readonly message: CommandMessage }> = [];
  readonly #broker: BrokerConnection;
  readonly #publisher: Publisher;
  readonly #consumers: Consumer[];
  script: Script = () => null;

  constructor(broker: BrokerConnection, hosts: readonly string[]) {
    this.#broker = broker;
    this.#publisher = openPublisher(broker, { purpose: 'fake agents' });
    this.#consumers = hosts.map((host) =>
      startConsumer(broker, {
        queue: queues.agent(hostName(host)),
        prefetch: 100,
        handler: async ({ body }) => this.#handle(host, body as CommandMessage),
      }),
    );
  }

  static async start(url: string, hosts: readonly string[]): Promise<FakeAgents> {
    return new FakeAgents(await connectBroker({ url, name: 'fake agents', log: silent }), hosts);
  }

  async publish(host: string, event: object): Promise<void> {
    await this.#publisher.publish({
      exchange: exchanges.events,
      routing_key: routingKeys.agentEvent(hostName(host)),
      body: event,
    });
  }

  async wake(operation: OperationId): Promise<void> {
    await this.#publisher.publish({
      exchange: exchanges.events,
      routing_key: routingKeys.wake,
      body: { type: 'wake', message_id: randomUUID(), request_id: 'req-test', operation_id: operation },
    });
  }

  async close(): Promise<void> {
    for (const consumer of this.#consumers) await consumer.close();
    await this.#publisher.close();
    await this.#broker.close();
  }

  async #handle(host: string, message: CommandMessage): Promise<void> {
    this.commands.push({ host, message });
    const answer = this.script(message, host) ?? { result: goodResults[message.command] };
    if (answer === 'silence') return;
    await this.publish(host, answerTo(host, message, answer));
  }
}

/** The event by which a host answers a command. */
export function answerTo(host: string, message: CommandMessage, answer: Exclude<Answer, 'silence'>): object {
  const { request_id, operation_id, step, direction, attempt, command } = message;
  return {
    message_id: randomUUID(),
    sent_at: new Date().toISOString(),
    host,
    request_id,
    operation_id,
    step,
    direction,
    attempt,
    command,
    ...('result' in answer
      ? { type: 'step_done', summary: 'done', result: answer.result }
      : { type: 'step_failed', ...answer }),
  };
}
