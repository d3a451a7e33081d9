import { command, fact, homeOf, type Plan, type Step } from '../step.ts';
import type { Draft } from '../draft.ts';

/** Start, stop and reboot: one command and its rows. What failed left the guest as it is, so there is nothing to undo. */

const nothingToUndo = { type: 'none', because: 'a guest that could not be switched is as it was' } as const;

const powerOn: Step = {
  name: 'power-on',
  phase: 'power-on',
  opens: (world) => [{ event: 'compute_start_instance', host: homeOf(world) }],
  closes: ['compute_start_instance'],
  action: {
    type: 'command',
    order: (world) =>
      command({
        host: homeOf(world),
        command: 'power_on',
        arguments: {},
        epoch: world.instance.epoch,
        timing: 'short',
      }),
    done: (draft) => {
      draft.setInstance({
        vm_state: 'active',
        task_state: null,
        power_state: fact(draft, 'power-on').power_state,
        launched: true,
      });
      return undefined;
    },
  },
  undo: nothingToUndo,
};

const powerOff: Step = {
  name: 'power-off',
  phase: 'power-off',
  opens: (world) => [{ event: 'compute_stop_instance', host: homeOf(world) }],
  closes: ['compute_stop_instance'],
  action: {
    type: 'command',
    order: (world, settings) =>
      command({
        host: homeOf(world),
        command: 'power_off',
        arguments: { shutdown_timeout_seconds: settings.shutdown_timeout_seconds },
        epoch: world.instance.epoch,
        timing: 'shutdown',
      }),
    done: (draft) => {
      draft.setInstance({
        vm_state: 'stopped',
        task_state: null,
        power_state: fact(draft, 'power-off').power_state,
      });
      return undefined;
    },
  },
  undo: nothingToUndo,
};

const rebootGuest: Step = {
  name: 'reboot',
  phase: 'reboot',
  opens: (world) => [{ event: 'compute_reboot_instance', host: homeOf(world) }],
  closes: ['compute_reboot_instance'],
  action: {
    type: 'command',
    order: (world, settings) =>
      command({
        host: homeOf(world),
        command: 'reboot',
        arguments: {
          type: world.operation.request.reboot_type ?? 'SOFT',
          shutdown_timeout_seconds: settings.shutdown_timeout_seconds,
        },
        epoch: world.instance.epoch,
        timing: 'shutdown',
      }),
    done: (draft) => {
      draft.setInstance({
        vm_state: 'active',
        task_state: null,
        power_state: fact(draft, 'reboot').power_state,
      });
      return undefined;
    },
  },
  undo: nothingToUndo,
};

const taskEnds = (draft: Draft): void => draft.setInstance({ task_state: null });

export const start: Plan = { steps: [powerOn], cancellable: false, unwound: taskEnds };
export const stop: Plan = { steps: [powerOff], cancellable: false, unwound: taskEnds };
export const reboot: Plan = { steps: [rebootGuest], cancellable: false, unwound: taskEnds };
