import { randomUUID } from 'node:crypto';
import { requestId, type HostName } from '../../shared/domain/ids.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import type { AgentEvent, CommandMessage, StepFailed } from '../../shared/messaging/messages.ts';
import { failureOf } from './commands/failures.ts';

/** The way to the schedulers. */
export interface EventPublisher {
  /** Resolves when the broker has it; keeps it over breaks. */
  publish(event: AgentEvent): Promise<void>;
  /** For what is worthless when it is late. */
  publishOrDrop(event: AgentEvent): void;
}

/** A host's events: their headers, and their sending, which nobody has to guard against errors. */
export class AgentEvents {
  readonly #host: HostName;
  readonly #publisher: EventPublisher;
  readonly #log: Logger;

  constructor(options: {
    readonly host: HostName;
    readonly publisher: EventPublisher;
    readonly log: Logger;
  }) {
    this.#host = options.host;
    this.#publisher = options.publisher;
    this.#log = options.log;
  }

  /** An event that cannot be sent costs time only: the scheduler asks again, and the answer is remembered. */
  async publish(event: AgentEvent): Promise<void> {
    try {
      await this.#publisher.publish(event);
    } catch (error) {
      this.#log.error({ error, type: event.type }, 'an event could not be sent');
    }
  }

  publishOrDrop(event: AgentEvent): void {
    this.#publisher.publishOrDrop(event);
  }

  /** Of an event that no API call has caused. */
  header() {
    return {
      message_id: randomUUID(),
      request_id: requestId(`req-${randomUUID()}`),
      sent_at: new Date().toISOString(),
      host: this.#host,
    };
  }

  /** Of what answers a command: it carries the command's address and request id. */
  answerHeader(message: CommandMessage) {
    const { request_id, operation_id, step, direction, attempt } = message;
    return { ...this.header(), request_id, operation_id, step, direction, attempt };
  }

  failed(message: CommandMessage, error: unknown): StepFailed {
    const { command } = message;
    return { ...this.answerHeader(message), type: 'step_failed', command, ...failureOf(error) };
  }
}
