import { advance, enter, orderStep, retryOrFail, takeResult } from './forward.ts';
import { answersOrder } from './answers.ts';
import { Draft } from './draft.ts';
import { govern } from './governance.ts';
import type { MachineEvent } from './machine-event.ts';
import type { Settings, World } from './model.ts';
import type { Outcome } from './outcome.ts';
import { isPastReturn, plans, stepIndex } from './plans/index.ts';
import { continueUnwind, retryUndoOrStick, unwind, waitForHost } from './unwind.ts';

/**
 * The machine: what one event means for one operation. Pure: rows in, changes and orders out.
 *
 *                    requested               last step done
 *        waiting ───────────────► running ──────────────────► done
 *                                  │   ▲
 *             failed, cancelled    │   │ another target is tried
 *                                  ▼   │
 *                                unwinding ─────────────────► unwound
 *                                  │          all undone
 *           an undo failed         ▼
 *      (or: failed past the    stuck ──── resume ──► where it was
 *       point of no return)
 *
 * An event that does not fit where the operation is (it came twice, or late) changes nothing.
 *
 * @param settings configuration and limits, as data: the machine reads no clock and no file.
 */
export function decide(world: World, event: MachineEvent, settings: Settings): Outcome {
  const draft = new Draft(world);
  const { operation } = world;
  switch (event.type) {
    case 'requested':
      onRequested(draft, settings);
      break;
    case 'claimed':
      if (isOrdered(world, 'choose')) {
        draft.addFacts({ choose: event.fact });
        draft.setMigration({
          target_host: event.fact.host,
          target_node: event.fact.node,
          target_address: event.fact.address,
          decision_id: event.fact.decision_id,
        });
        draft.log({ step: 'choose', direction: 'action', event: 'done', host: event.fact.host });
        advance(draft, settings);
      } else {
        draft.note(`claim on ${event.fact.host} came after the operation had moved on`);
      }
      break;
    case 'choose_failed':
      if (isOrdered(world, 'choose')) {
        if (event.decision_id !== null) draft.setMigration({ decision_id: event.decision_id });
        unwind(draft, { ...event.reason, step: 'choose' }, settings);
      } else draft.note('a decision came after the operation had moved on');
      break;
    case 'step_done':
      if (!answersOrder(world, event, settings))
        draft.note(
          `late or foreign answer of ${event.host}: ${event.direction} ${event.step} ${event.attempt}`,
        );
      else if (event.direction === 'undo') {
        draft.log({
          step: event.step,
          direction: 'undo',
          event: 'done',
          host: event.host,
          summary: event.summary,
        });
        continueUnwind(draft, settings);
      } else takeResult(draft, event, settings);
      break;
    case 'step_failed': {
      if (!answersOrder(world, event, settings)) {
        draft.note(
          `late or foreign failure of ${event.host}: ${event.direction} ${event.step} ${event.attempt}`,
        );
        break;
      }
      const reason = { code: event.code, message: event.message, step: event.step };
      draft.log({
        step: event.step,
        direction: event.direction,
        event: 'failed',
        host: event.host,
        summary: event.message,
      });
      if (event.direction === 'undo') retryUndoOrStick(draft, reason, settings);
      else retryOrFail(draft, reason, event.retriable, settings);
      break;
    }
    case 'step_progress':
      if (answersOrder(world, event, settings)) {
        if (event.progress !== null) draft.push({ type: 'progress', progress: event.progress });
        draft.setOperation({ deadline_seconds: settings.stall_timeout_seconds });
      }
      break;
    case 'deadline_elapsed':
      onDeadline(draft, event.host_is_up, settings);
      break;
    case 'lease_expired':
      onLeaseExpired(draft, settings);
      break;
    case 'cancel':
      onCancel(draft, event.by, settings);
      break;
    case 'governance_changed':
      govern(draft, event.again ?? null, settings);
      break;
    case 'turn_due':
      if (isOrdered(world, 'turn')) orderStep(draft, settings);
      break;
    case 'resume':
      onResume(draft, settings);
      break;
    case 'resolve':
      onResolve(draft, settings);
      break;
    default:
      return event satisfies never;
  }
  // Fully unwound to try another target: begin anew.
  if (draft.operation.state === 'running' && draft.operation.step === null) enter(draft, 0, settings);
  if (operation.state !== draft.operation.state) draft.note(`${operation.state} → ${draft.operation.state}`);
  return draft.outcome();
}

function isOrdered(world: World, step: string): boolean {
  const { operation } = world;
  return operation.state === 'running' && operation.step === step && operation.step_state === 'ordered';
}

function onRequested(draft: Draft, settings: Settings): void {
  const { operation } = draft;
  if (operation.state === 'waiting') draft.setOperation({ state: 'running' });
  else if (operation.state !== 'running' || operation.step !== null) {
    draft.note('requested again; already under way');
    return;
  }
  enter(draft, 0, settings);
}

function onDeadline(draft: Draft, host_is_up: boolean, settings: Settings): void {
  const { operation } = draft;
  // In the queue nobody owes an answer.
  if (operation.step === null || operation.step_state !== 'ordered' || operation.turn === 'waiting') {
    draft.note('deadline of nothing');
    return;
  }
  const reason = {
    code: host_is_up ? 'step_unanswered' : 'host_down',
    message: host_is_up
      ? `The host's agent did not answer step ${operation.step} in time, though its host reports.`
      : `The host that had to do step ${operation.step} stopped reporting.`,
    step: operation.step,
  };
  if (operation.state === 'unwinding') {
    if (host_is_up) retryUndoOrStick(draft, reason, settings);
    else waitForHost(draft, reason, settings);
  } else if (operation.state === 'running') {
    if (operation.step === 'choose') chooseAgain(draft, settings);
    else retryOrFail(draft, reason, host_is_up, settings);
  }
}

/** Commands live on in the hosts' queues and any scheduler takes their answers; only a decision dies with its process. */
function onLeaseExpired(draft: Draft, settings: Settings): void {
  const { operation } = draft;
  if (operation.state === 'running' && operation.step === null) enter(draft, 0, settings);
  else if (isOrdered(draft, 'choose')) chooseAgain(draft, settings);
  else draft.note('taken over; its order is still out');
}

function chooseAgain(draft: Draft, settings: Settings): void {
  const { operation } = draft;
  if (operation.cancel_requested) {
    unwind(draft, cancelled('choose', 'a person'), settings);
  } else if (operation.recoveries >= settings.max_recoveries_per_step) {
    unwind(
      draft,
      {
        code: 'choose_unfinished',
        message: `No scheduler finished choosing a host in ${operation.recoveries + 1} tries.`,
        step: 'choose',
      },
      settings,
    );
  } else {
    draft.setOperation({ recoveries: operation.recoveries + 1 });
    orderStep(draft, settings);
  }
}

function onCancel(draft: Draft, by: string, settings: Settings): void {
  const { operation } = draft;
  const plan = plans[operation.kind];
  if (operation.state === 'waiting') {
    draft.setOperation({ cancel_requested: true, state: 'unwound', reason: cancelled('waiting', by) });
    return;
  }
  if (operation.state !== 'running') {
    draft.note(`cancel: already ${operation.state}`);
    return;
  }
  const index = operation.step === null ? -1 : stepIndex(operation.kind, operation.step);
  if (!plan.cancellable || isPastReturn(operation.kind, index)) {
    draft.note('cancel: past the point of no return');
    return;
  }
  draft.setOperation({ cancel_requested: true });
  // A claim that is being made at this moment must be known before it can be released: `claimed` will unwind it.
  if (isOrdered(draft, 'choose')) return;
  unwind(draft, cancelled(operation.step ?? 'requested', by), settings);
}

function onResume(draft: Draft, settings: Settings): void {
  const { operation } = draft;
  if (operation.state !== 'stuck' || operation.step === null) {
    draft.note(`resume: not stuck but ${operation.state}`);
    return;
  }
  const forward = isPastReturn(operation.kind, stepIndex(operation.kind, operation.step));
  draft.setOperation({ state: forward ? 'running' : 'unwinding', recoveries: 0 });
  if (forward) orderStep(draft, settings);
  else continueUnwind(draft, settings, { from_current: true });
}

/** As resume, but the step that could not be done counts as done: only a person can know that it is. */
function onResolve(draft: Draft, settings: Settings): void {
  const { operation } = draft;
  if (operation.state !== 'stuck' || operation.step === null) {
    draft.note(`resolve: not stuck but ${operation.state}`);
    return;
  }
  const forward = isPastReturn(operation.kind, stepIndex(operation.kind, operation.step));
  const direction = forward ? 'action' : 'undo';
  draft.setOperation({ state: forward ? 'running' : 'unwinding', recoveries: 0 });
  draft.log({ step: operation.step, direction, event: 'resolved', summary: 'by a person' });
  if (forward) advance(draft, settings);
  else continueUnwind(draft, settings);
}

/** The reason of an operation that a person called back. */
export function cancelled(step: string, by: string): { code: string; message: string; step: string } {
  return { code: 'cancelled', message: `Cancelled by ${by} during ${step}.`, step };
}
