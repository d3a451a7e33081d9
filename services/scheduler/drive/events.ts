import type { AgentEvent, StepDone, StepFailed, WakeMessage } from '../../../shared/messaging/messages.ts';
import { agentUser } from '../../../shared/messaging/topology.ts';
import type { Logger } from '../../../shared/logging/logger.ts';
import { wakeOf, type Driver } from './driver.ts';
import type { ProgressWriter } from './progress.ts';
import { isAgentEvent, isWake } from './message-shapes.ts';
import type { LoadedOperation } from './world.ts';

/** What a queue message is, as far as it matters here: its content, and who the broker says has sent it. */
export interface IncomingMessage {
  readonly body: unknown;
  /** Property `user-id`: RabbitMQ refuses a message whose value is not the connection's user. */
  readonly sender: string | null;
}

export interface EventSinks {
  readonly driver: Driver;
  readonly progress: ProgressWriter;
  readonly hostReported: (event: Extract<AgentEvent, { type: 'host_reported' }>) => Promise<void>;
  readonly guestChanged: (event: Extract<AgentEvent, { type: 'guest_changed' }>) => Promise<void>;
  /** A host could not build what it had been given, or could (Nova's failed builds, our rejected claims). */
  readonly hostOutcome: (event: StepDone | StepFailed) => Promise<void>;
  /** A wake that names no operation: look at everything. */
  readonly lookAtAll: () => void;
  readonly log: Logger;
  /** False only where a broker cannot verify users. */
  readonly verify_event_sender: boolean;
}

/**
 * Handles one message of the queue drover.scheduler. Resolves when all that follows from it is committed: the
 * message is acknowledged after that. What is malformed or not from whom it says is logged and dropped: it would
 * not be better the next time.
 */
export async function handleMessage(sinks: EventSinks, message: IncomingMessage): Promise<void> {
  const { body, sender } = message;
  if (isWake(body)) {
    await onWake(sinks, body);
    return;
  }
  if (!isAgentEvent(body)) {
    sinks.log.error({ sender }, 'dropped a message that is no event');
    return;
  }
  if (sinks.verify_event_sender && sender !== agentUser(body.host)) {
    sinks.log.error(
      { sender, host: body.host, event: body.type, request_id: body.request_id },
      'dropped an event whose sender is not the host that it speaks for',
    );
    return;
  }
  switch (body.type) {
    case 'step_done':
    case 'step_failed':
      if (await sinks.driver.deliver(body.operation_id, answerOf(body))) await sinks.hostOutcome(body);
      return;
    case 'step_progress':
      await sinks.progress.take(body, performance.now());
      return;
    case 'host_reported':
      await sinks.hostReported(body);
      return;
    case 'guest_changed':
      await sinks.guestChanged(body);
      return;
    default:
      body satisfies never;
  }
}

async function onWake(sinks: EventSinks, wake: WakeMessage): Promise<void> {
  if (wake.operation_id === null) sinks.lookAtAll();
  else await sinks.driver.deliver(wake.operation_id, wakeOf);
}

/** An answer counts while the operation is still at that try of that step; anything else is from the past. */
function answerOf(event: StepDone | StepFailed) {
  return ({ world: { operation } }: LoadedOperation) => {
    const fits =
      operation.step === event.step &&
      operation.attempt === event.attempt &&
      operation.step_state === 'ordered' &&
      operation.state === (event.direction === 'undo' ? 'unwinding' : 'running');
    return fits ? event : null;
  };
}

/** The type of a message, for counting: one of those that there are, never what somebody made up. */
export function messageType(body: unknown): string {
  if (isWake(body)) return 'wake';
  return isAgentEvent(body) ? body.type : 'invalid';
}
