import type { Draft } from './draft.ts';
import type { HostName } from '../../../shared/domain/ids.ts';
import type { OperationFacts, Reason, Settings } from './model.ts';
import { orderCommand } from './order.ts';
import { plans, stepAt, stepIndex } from './plans/index.ts';
import type { CommandOrder, Step } from './step.ts';

/**
 * Goes backwards through a plan. The current step is undone too when it was ordered: its action may have happened
 * though nobody said so. An undo that cannot be answered because its host is away waits for the host; an undo that
 * fails is stuck, in sight, and never retried in silence.
 */

/** Begins to take everything back. The reason goes to the record, to the events that are open and to the fault. */
export function unwind(draft: Draft, reason: Reason, settings: Settings): void {
  const { operation } = draft;
  const plan = plans[operation.kind];
  draft.setOperation({ state: 'unwinding', reason, recoveries: 0, deadline_seconds: null });
  draft.setMigration({ phase: 'unwind' });
  finishOpenEvents(draft, plan.steps, reason);
  continueUnwind(draft, settings, { from_current: true });
}

/** Runs the undo of the step before the current one (or, `from_current`, of this one), and so on down to the first. */
export function continueUnwind(
  draft: Draft,
  settings: Settings,
  options: { readonly from_current?: boolean } = {},
): void {
  const { kind, step } = draft.operation;
  const current = step === null ? -1 : stepIndex(kind, step);
  for (let index = options.from_current === true ? current : current - 1; index >= 0; index -= 1) {
    const candidate = stepAt(kind, index);
    if (candidate === null || candidate.skip?.(draft) === true) continue;
    const order = undoNow(draft, candidate, settings);
    if (order !== null) {
      draft.setOperation({ recoveries: 0 });
      orderCommand(draft, candidate.name, 'undo', order, settings);
      return;
    }
  }
  finishUnwind(draft, settings);
}

/** Does an undo of rows at once; @returns the order of one that a host must do. */
function undoNow(draft: Draft, step: Step, settings: Settings): CommandOrder | null {
  switch (step.undo.type) {
    case 'none':
      return null;
    case 'inline':
      step.undo.run(draft);
      draft.log({ step: step.name, direction: 'undo', event: 'done' });
      return null;
    case 'command':
      return step.undo.order(draft, settings);
    default:
      return step.undo satisfies never;
  }
}

/** An undo failed, or its host is up and did not answer. */
export function retryUndoOrStick(draft: Draft, reason: Reason, settings: Settings): void {
  const { operation } = draft;
  const order = currentUndo(draft, settings);
  if (order === null) continueUnwind(draft, settings);
  else if (operation.recoveries + 1 < settings.max_attempts_per_step) {
    draft.setOperation({ recoveries: operation.recoveries + 1 });
    orderCommand(draft, operation.step ?? reason.step, 'undo', order, settings);
  } else if (order.timing === 'owed') passOver(draft, reason, settings);
  else stick(draft, reason);
}

/** The host of an undo is down: what is owed is passed over, what must be is waited for (its order is in the queue). */
export function waitForHost(draft: Draft, reason: Reason, settings: Settings): void {
  if (currentUndo(draft, settings)?.timing === 'owed') {
    passOver(draft, reason, settings);
    return;
  }
  // What a dead host holds must not keep others from the living one.
  draft.giveTurnBack();
  draft.setOperation({ deadline_seconds: settings.command_timeout_seconds });
  draft.note(`unwinding waits for the host: ${reason.message}`);
}

/** A person is needed. The first reason stays in the record; what could not be done is in the step log. */
export function stick(draft: Draft, reason: Reason): void {
  draft.giveTurnBack();
  draft.setOperation({
    state: 'stuck',
    reason: draft.operation.reason ?? reason,
    step_state: 'pending',
    deadline_seconds: null,
  });
  draft.setMigration({ reason: draft.operation.reason });
  draft.log({ step: reason.step, direction: 'undo', event: 'stuck', summary: reason.message });
}

function passOver(draft: Draft, reason: Reason, settings: Settings): void {
  draft.log({ step: reason.step, direction: 'undo', event: 'owed', summary: reason.message });
  draft.addFacts({ undo_owed: true });
  continueUnwind(draft, settings);
}

function currentUndo(draft: Draft, settings: Settings): CommandOrder | null {
  const { kind, step } = draft.operation;
  const found = step === null ? null : stepAt(kind, stepIndex(kind, step));
  return found?.undo.type === 'command' ? found.undo.order(draft, settings) : null;
}

/**
 * Everything is undone. If the chosen target refused, the operation is put before its first step again (decide.ts
 * enters it); else it rests with the reason.
 */
function finishUnwind(draft: Draft, settings: Settings): void {
  const { operation } = draft;
  const reason = operation.reason ?? { code: 'unknown', message: 'No reason was recorded.', step: 'unwind' };
  const refused = refusedHosts(draft, reason, settings);
  if (refused !== null) {
    const {
      refused_hosts: _before,
      choose: _choose,
      survey: _survey,
      admit: _admit,
      ...kept
    } = operation.facts;
    const facts: OperationFacts = { ...kept, refused_hosts: refused };
    draft.setOperation({ state: 'running', reason: null, step: null, step_state: 'pending', facts });
    draft.note(`${refused.at(-1)} refused; another host is chosen`);
    return;
  }
  plans[operation.kind].unwound(draft, reason, settings);
  draft.setOperation({ state: 'unwound', step: null, step_state: 'pending', deadline_seconds: null });
  draft.push({
    type: 'fault',
    code: 500,
    message: reason.message,
    details: `${reason.code} at ${reason.step}`,
  });
  draft.push({ type: 'action_finish', message: 'Error' });
}

/** The hosts to pass over in the next try; null: there is none (a host was asked for, cancelled, or tries used up). */
function refusedHosts(draft: Draft, reason: Reason, settings: Settings): readonly HostName[] | null {
  const { operation } = draft;
  const step = plans[operation.kind].steps.find((candidate) => candidate.name === reason.step);
  const chosen = operation.facts.choose?.host;
  if (step?.on_refusal !== 'choose_again' || chosen === undefined) return null;
  if (operation.request.host !== undefined || operation.cancel_requested) return null;
  // One home: a host that was told to build the guest and has not said that it is gone may be running it.
  if (operation.kind === 'create' && operation.facts.undo_owed === true) return null;
  const refused = [...(operation.facts.refused_hosts ?? []), chosen];
  return refused.length < settings.max_choices ? refused : null;
}

/** Events begun and not ended get the reason: it is what `server event show` prints. */
function finishOpenEvents(draft: Draft, steps: readonly Step[], reason: Reason): void {
  const at = draft.operation.step === null ? -1 : stepIndex(draft.operation.kind, draft.operation.step);
  const open: string[] = [];
  for (const step of steps.slice(0, at + 1)) {
    if (step.skip?.(draft) === true) continue;
    for (const { event } of step.opens?.(draft) ?? []) open.push(event);
    const isDone = steps.indexOf(step) < at;
    for (const event of isDone ? (step.closes ?? []) : []) open.splice(open.indexOf(event), 1);
  }
  // Nova shows the failure in the event of the whole move as well, whichever part it came from.
  for (const event of open) {
    draft.push({ type: 'event_finish', event, result: 'Error', details: reason.message });
  }
}
