import type { Draft } from './draft.ts';
import type { Settings } from './model.ts';
import type { CommandOrder, Timing } from './step.ts';

/** Seven days: an order that is owed, or an undo, waits in the host's queue for as long as a host may be repaired. */
const OWED_SECONDS = 7 * 24 * 3600;

/** Writes and sends one command; its attempt number is new within the operation. */
export function orderCommand(
  draft: Draft,
  step: string,
  direction: 'action' | 'undo',
  order: CommandOrder,
  settings: Settings,
): void {
  const attempt = draft.operation.attempt + 1;
  const answer_seconds = answerSeconds(order.timing, settings);
  draft.setOperation({ step, step_state: 'ordered', attempt, deadline_seconds: answer_seconds });
  if (order.epoch > draft.instance.epoch && draft.operation.facts.epoch_spent !== true) {
    draft.addFacts({ epoch_spent: true });
  }
  draft.log({ step, direction, event: 'ordered', host: order.host });
  draft.order({
    type: 'command',
    host: order.host,
    command: order.command,
    arguments: order.arguments,
    step,
    direction,
    attempt,
    epoch: order.epoch,
    deadline_seconds: direction === 'undo' || order.timing === 'owed' ? OWED_SECONDS : answer_seconds,
  });
}

function answerSeconds(timing: Timing, settings: Settings): number {
  switch (timing) {
    case 'short':
    case 'owed':
      return settings.command_timeout_seconds;
    case 'shutdown':
      return settings.command_timeout_seconds + settings.shutdown_timeout_seconds;
    case 'long':
    case 'fetch':
      return settings.stall_timeout_seconds;
    default:
      return timing satisfies never;
  }
}
