import type { HostName } from '../../../shared/domain/ids.ts';
import type { Settings, World } from './model.ts';
import { plans } from './plans/index.ts';

/** What an answer says about itself. */
export interface AnswerAddress {
  readonly step: string;
  readonly direction: 'action' | 'undo';
  readonly attempt: number;
  readonly host: HostName;
}

/**
 * True when the answer is to the order that is out. Attempts count every order of the operation, so one number says
 * whether it is the present one. It must also come from the host that was asked: a migration's two hosts know the
 * same operation, and the target must not be able to say that the source has retired its guest.
 */
export function answersOrder(world: World, event: AnswerAddress, settings: Settings): boolean {
  const { operation } = world;
  return (
    operation.step === event.step &&
    operation.step_state === 'ordered' &&
    operation.attempt === event.attempt &&
    operation.state === (event.direction === 'undo' ? 'unwinding' : 'running') &&
    askedHost(world, event.direction, settings) === event.host
  );
}

/** The host that the present step's order went to; null: it is an order to no host. */
function askedHost(world: World, direction: 'action' | 'undo', settings: Settings): HostName | null {
  const { kind, step: name } = world.operation;
  const step = plans[kind].steps.find((candidate) => candidate.name === name);
  const side = direction === 'undo' ? step?.undo : step?.action;
  return side?.type === 'command' ? (side.order(world, settings)?.host ?? null) : null;
}
