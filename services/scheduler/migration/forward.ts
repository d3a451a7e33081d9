import type { Draft } from './draft.ts';
import type { MachineEvent } from './machine-event.ts';
import type { Reason, Settings } from './model.ts';
import { orderCommand } from './order.ts';
import { takeTurn } from './turn.ts';
import { isPastReturn, plans, stepAt, stepIndex } from './plans/index.ts';
import type { GoBack, Step } from './step.ts';
import { stick, unwind } from './unwind.ts';

/** Goes forward through a plan: enter a step, order it, take its result, go on. */

/** With a stall timeout of a minute: half an hour for the largest image on the slowest line. */
const FETCH_WAITS_MAX = 30;

/** Enters the first step at or after `index` that this world needs; past the last one the operation is done. */
export function enter(draft: Draft, index: number, settings: Settings): void {
  const step = stepAt(draft.operation.kind, index);
  if (step === null) {
    complete(draft);
    return;
  }
  if (step.skip?.(draft) === true) {
    enter(draft, index + 1, settings);
    return;
  }
  if (draft.operation.cancel_requested && !isPastReturn(draft.operation.kind, index)) {
    const name = draft.operation.step ?? step.name;
    unwind(draft, { code: 'cancelled', message: `Cancelled during ${name}.`, step: name }, settings);
    return;
  }
  draft.setOperation({ step: step.name, step_state: 'pending', recoveries: 0 });
  draft.setMigration({ phase: step.phase, ...(step.shows?.status ? { status: step.shows.status } : {}) });
  if (step.shows?.task_state !== undefined) draft.setInstance({ task_state: step.shows.task_state });
  for (const { event, host } of step.opens?.(draft) ?? []) draft.push({ type: 'event_start', event, host });
  if (step.waits_while_paused === true && draft.operation.paused) holdStill(draft, step);
  else orderStep(draft, settings);
}

/** Stays before a step until a person lets it go on. */
function holdStill(draft: Draft, step: Step): void {
  draft.setOperation({ deadline_seconds: null });
  draft.log({ step: step.name, direction: 'action', event: 'paused', summary: 'before it began' });
}

/** True when the operation stands before a step because a person paused it. */
export function isHeld(draft: Draft): boolean {
  const { operation } = draft;
  return operation.state === 'running' && operation.step !== null && operation.step_state === 'pending';
}

/** Orders the current step's action: for rows only, does it and goes on. */
export function orderStep(draft: Draft, settings: Settings): void {
  const step = currentStep(draft);
  const { action } = step;
  switch (action.type) {
    case 'inline':
      action.run(draft, settings);
      draft.log({ step: step.name, direction: 'action', event: 'done' });
      finishStep(draft, step);
      enter(draft, stepIndex(draft.operation.kind, step.name) + 1, settings);
      return;
    case 'choose':
      draft.setOperation({
        step_state: 'ordered',
        attempt: draft.operation.attempt + 1,
        deadline_seconds: settings.command_timeout_seconds,
      });
      draft.log({ step: step.name, direction: 'action', event: 'ordered' });
      draft.order({
        type: 'choose',
        attempt: draft.operation.attempt,
        ignore_hosts: draft.operation.facts.refused_hosts ?? [],
      });
      return;
    case 'turn':
      if (takeTurn(draft, settings)) advance(draft, settings);
      return;
    case 'command': {
      const order = action.order(draft, settings);
      step.ordered?.(draft);
      orderCommand(draft, step.name, 'action', order, settings);
      // What an order says itself need not be told beside it.
      if ('paused' in order.arguments) rememberPause(draft, order.arguments.paused ?? false);
      return;
    }
    default:
      action satisfies never;
  }
}

function rememberPause(draft: Draft, told: boolean): void {
  const { pause } = draft.operation.facts;
  if (told !== (pause?.told ?? false)) draft.addFacts({ pause: { told, changes: pause?.changes ?? 0 } });
}

/** The host did the current step: keep its result, or fail if the result says so. */
export function takeResult(
  draft: Draft,
  event: Extract<MachineEvent, { type: 'step_done' }>,
  settings: Settings,
): void {
  const step = currentStep(draft);
  draft.addFacts({ [step.name]: event.result });
  draft.log({
    step: step.name,
    direction: 'action',
    event: 'done',
    host: event.host,
    summary: event.summary,
  });
  const failure = step.action.type === 'command' ? step.action.done?.(draft, settings) : undefined;
  if (failure === undefined) advance(draft, settings);
  else if ('again' in failure) goBack(draft, failure, settings);
  else retryOrFail(draft, { ...failure, step: step.name }, false, settings);
}

function goBack(draft: Draft, { again, because }: GoBack, settings: Settings): void {
  const { kind, step } = draft.operation;
  draft.log({ step: step ?? again, direction: 'action', event: 'again', summary: because });
  enter(draft, stepIndex(kind, again), settings);
}

/** The current step is done. */
export function advance(draft: Draft, settings: Settings): void {
  const step = currentStep(draft);
  finishStep(draft, step);
  enter(draft, stepIndex(draft.operation.kind, step.name) + 1, settings);
}

/**
 * The current step failed or was not answered. Tried again while that may help; then an owed step is passed over,
 * a step past the point of no return is stuck, and anything else is unwound.
 */
export function retryOrFail(draft: Draft, reason: Reason, may_help: boolean, settings: Settings): void {
  const step = currentStep(draft);
  const { operation } = draft;
  const past_return = isPastReturn(operation.kind, stepIndex(operation.kind, step.name));
  const timing = step.action.type === 'command' ? step.action.order(draft, settings).timing : null;
  const tries_again = may_help && operation.recoveries + 1 < settings.max_attempts_per_step;
  const owed = timing === 'owed';
  if (owed && (!tries_again || reason.code === 'step_unanswered')) {
    draft.log({ step: step.name, direction: 'action', event: 'owed', summary: reason.message });
    advance(draft, settings);
  } else if (tries_again) {
    draft.setOperation({ recoveries: operation.recoveries + 1 });
    orderStep(draft, settings);
  } else if (
    timing === 'fetch' &&
    reason.code === 'step_unanswered' &&
    operation.recoveries < FETCH_WAITS_MAX
  ) {
    // Ordering it again would not make it faster: the host joins a fetch that runs.
    draft.setOperation({
      recoveries: operation.recoveries + 1,
      deadline_seconds: settings.stall_timeout_seconds,
    });
    draft.note('waits on: the host may be fetching an image');
  } else if (past_return && reason.code === 'host_down') {
    draft.setOperation({ deadline_seconds: settings.command_timeout_seconds, reason });
    draft.note(`waits for the host: ${reason.message}`);
  } else if (past_return) {
    stick(draft, reason);
  } else {
    unwind(draft, reason, settings);
  }
}

function finishStep(draft: Draft, step: Step): void {
  if (step.gives_turn_back === true) draft.giveTurnBack();
  for (const event of step.closes ?? []) {
    draft.push({ type: 'event_finish', event, result: 'Success', details: null });
  }
}

function complete(draft: Draft): void {
  draft.setOperation({ state: 'done', step: null, step_state: 'pending', deadline_seconds: null });
  draft.push({ type: 'action_finish', message: null });
}

/** The step that the operation is at. @throws Error: our bug, it is at none. */
export function currentStep(draft: Draft): Step {
  const { kind, step } = draft.operation;
  const found = plans[kind].steps.find((candidate) => candidate.name === step);
  if (found === undefined)
    throw new Error(`operation ${draft.operation.id} (${kind}) is at no step: ${step}`);
  return found;
}
