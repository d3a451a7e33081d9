import type { CommandArguments } from '../../../shared/messaging/commands.ts';
import type { Draft } from './draft.ts';
import { isHeld, orderStep } from './forward.ts';
import type { Lost } from './machine-event.ts';
import type { Settings } from './model.ts';
import { homeOf } from './step.ts';

/** The steps whose sender can be told beside them. */
const copyingSteps: readonly string[] = ['precopy', 'copy'];

/**
 * A person changed how the operation may go on. The rows hold what is wanted; here it is brought to where it matters.
 * Before the copy there is nobody to tell: its order will carry the rate and the pause. In the queue it is for the
 * shell to see whose turn it is now.
 *
 * @param again what the copy was told before and does not do; null: nothing is known to be lost
 */
export function govern(draft: Draft, again: Lost | null, settings: Settings): void {
  const { operation } = draft;
  if (operation.state !== 'running') return;
  if (isHeld(draft)) {
    if (!operation.paused) orderStep(draft, settings);
    return;
  }
  if (operation.step_state !== 'ordered' || !copyingSteps.includes(operation.step ?? '')) return;
  tellLimit(draft, again === 'limit', settings);
  tellPause(draft, again === 'pause', settings);
}

function tellLimit(draft: Draft, again: boolean, settings: Settings): void {
  const { request, facts } = draft.operation;
  const wanted = request.limit_bytes_per_second;
  if (wanted === undefined || (wanted === facts.limit?.sent_bytes_per_second && !again)) return;
  const changes = (facts.limit?.changes ?? 0) + 1;
  draft.addFacts({ limit: { sent_bytes_per_second: wanted, changes } });
  tell(draft, 'limit', { limit_bytes_per_second: wanted }, changes, settings);
  draft.note(`limit is now ${wanted} bytes per second`);
}

function tellPause(draft: Draft, again: boolean, settings: Settings): void {
  const { paused, facts, step } = draft.operation;
  if (paused === (facts.pause?.told ?? false) && !again) return;
  const changes = (facts.pause?.changes ?? 0) + 1;
  draft.addFacts({ pause: { told: paused, changes } });
  tell(draft, 'pause_copy', { paused }, changes, settings);
  draft.log({
    step: step ?? 'copy',
    direction: 'action',
    event: paused ? 'paused' : 'unpaused',
    summary: 'by a person',
  });
}

/** Sends a command beside the copy: the step and its attempt stay, so the copy's own answer still counts. */
function tell<Name extends 'limit' | 'pause_copy'>(
  draft: Draft,
  command: Name,
  arguments_: CommandArguments[Name],
  changes: number,
  settings: Settings,
): void {
  draft.order({
    type: 'command',
    host: homeOf(draft),
    command,
    arguments: arguments_,
    // A name of its own for each change: an agent answers a repeated address from memory.
    step: `${command}-${changes}`,
    direction: 'action',
    attempt: draft.operation.attempt,
    epoch: draft.instance.epoch,
    deadline_seconds: settings.command_timeout_seconds,
  });
}
