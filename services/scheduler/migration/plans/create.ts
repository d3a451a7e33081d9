import { nextEpoch } from '../epochs.ts';
import { command, fact, type Plan, type Step } from '../step.ts';

/** Create: choose a host, build the guest there. A host that cannot build it is passed over for the next, bounded. */

const choose: Step = {
  name: 'choose',
  phase: 'choose',
  shows: { task_state: 'scheduling' },
  action: { type: 'choose' },
  undo: { type: 'inline', run: (draft) => draft.push({ type: 'claims_release_all' }) },
};

const spawn: Step = {
  name: 'spawn',
  phase: 'spawn',
  shows: { task_state: 'spawning' },
  opens: (world) => [{ event: 'compute__do_build_and_run_instance', host: fact(world, 'choose').host }],
  closes: ['compute__do_build_and_run_instance'],
  on_refusal: 'choose_again',
  action: {
    type: 'command',
    order: (world) =>
      command({
        host: fact(world, 'choose').host,
        command: 'spawn',
        arguments: { spec: world.spec },
        epoch: nextEpoch(world),
        timing: 'fetch',
      }),
  },
  undo: {
    type: 'command',
    order: (world) =>
      command({
        host: fact(world, 'choose').host,
        command: 'destroy',
        arguments: {},
        epoch: nextEpoch(world),
        timing: 'owed',
      }),
  },
};

const settle: Step = {
  name: 'settle',
  phase: 'settle',
  point_of_no_return: true,
  action: {
    type: 'inline',
    run: (draft) => {
      const home = fact(draft, 'choose');
      draft.setInstance({
        host: home.host,
        node: home.node,
        availability_zone: home.availability_zone,
        epoch: nextEpoch(draft),
        vm_state: 'active',
        task_state: null,
        power_state: fact(draft, 'spawn').power_state,
        launched: true,
      });
    },
  },
  undo: { type: 'none', because: 'from here on the way back is to delete it' },
};

export const create: Plan = {
  steps: [choose, spawn, settle],
  cancellable: true,
  unwound: (draft, reason) => {
    // Nova has this event only where no host was found; without it the action would not say why.
    if (reason.step === choose.name) {
      const event = 'conductor_schedule_and_build_instances';
      draft.push({ type: 'event_start', event, host: null });
      draft.push({ type: 'event_finish', event, result: 'Error', details: reason.message });
    }
    draft.setInstance({ vm_state: 'error', task_state: null });
  },
};
