import type { Draft } from './draft.ts';
import type { Settings } from './model.ts';
import { fact, migrationOf } from './step.ts';
import { describeObstacle, isLimited } from './turn-queue.ts';

/**
 * The step `turn`: asks for the right to copy, or waits for it. Without limits, and without a pause, there is nothing
 * to ask. @returns whether the step is done.
 */
export function takeTurn(draft: Draft, settings: Settings): boolean {
  const { operation, turn_answer } = draft;
  if (!operation.paused && !isLimited(settings.transfer_limits)) {
    if (operation.turn === 'waiting') draft.log({ step: 'turn', direction: 'action', event: 'done' });
    draft.giveTurnBack();
    return true;
  }
  if (turn_answer === undefined) {
    draft.order({
      type: 'turn',
      transfer: { source: migrationOf(draft).source_host, target: fact(draft, 'choose').host },
    });
    return false;
  }
  const { obstacle } = turn_answer;
  if (!operation.paused && obstacle === null) {
    if (operation.turn === 'waiting') draft.log({ step: 'turn', direction: 'action', event: 'done' });
    draft.setOperation({
      turn: 'held',
      ...(operation.turn === 'waiting' ? {} : { turn_tag: turn_answer.tag }),
    });
    return true;
  }
  if (operation.turn === 'waiting') return false;
  draft.setOperation({
    step_state: 'ordered',
    deadline_seconds: null,
    turn: 'waiting',
    turn_tag: turn_answer.tag,
  });
  const why =
    obstacle === null || obstacle === 'others_wait' ? 'others were first' : describeObstacle(obstacle);
  const summary = operation.paused ? 'paused' : why;
  draft.log({ step: 'turn', direction: 'action', event: 'queued', summary });
  return false;
}
