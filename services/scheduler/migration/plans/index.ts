import type { OperationKind } from '../../../../shared/domain/states.ts';
import type { Plan, Step } from '../step.ts';
import { cold } from './cold.ts';
import { confirm } from './confirm.ts';
import { create } from './create.ts';
import { remove } from './delete.ts';
import { extract } from './extract.ts';
import { reboot, start, stop } from './power.ts';
import { revert } from './revert.ts';

/** Every plan by the kind of operation that runs it. A new kind is a new file here and a row in docs/adding-a-plan.md. */
export const plans: Readonly<Record<OperationKind, Plan>> = {
  create,
  delete: remove,
  start,
  stop,
  reboot,
  cold,
  confirm,
  revert,
  extract,
};

/** Position of a step in its plan. @throws Error: our bug, or a row of a plan that has since changed. */
export function stepIndex(kind: OperationKind, name: string): number {
  const index = plans[kind].steps.findIndex((step) => step.name === name);
  if (index < 0) throw new Error(`plan ${kind} has no step ${name}`);
  return index;
}

/** The step at a position, or null past either end. */
export function stepAt(kind: OperationKind, index: number): Step | null {
  return plans[kind].steps[index] ?? null;
}

/** True when the step at `index` or one before it is the plan's point of no return. */
export function isPastReturn(kind: OperationKind, index: number): boolean {
  return plans[kind].steps.some((step, position) => step.point_of_no_return === true && position <= index);
}
