import { nextEpoch, unwindEpoch } from '../epochs.ts';
import { command, fact, homeOf, type Plan, type Step } from '../step.ts';
import { admit, admitAgain, admitRunning } from './admit.ts';
import { abortCopy, copy, precopy, verify, wasRunning } from './copying.ts';
import { prepare, transferDisks } from './prepare.ts';
import { turn } from './turn.ts';

/**
 * Cold migration (design, section 6.1): read from top to bottom it is the whole move. A warm one is the same plan with
 * `precopy` in it. The guest is untouched until `stop`; until `switch` every failure gives it back as it was, on the host it was.
 */

const choose: Step = {
  name: 'choose',
  phase: 'choose',
  shows: { status: 'pre-migrating', task_state: 'resize_prep' },
  opens: () => [
    { event: 'conductor_migrate_server', host: null },
    { event: 'cold_migrate', host: null },
  ],
  closes: ['conductor_migrate_server', 'cold_migrate'],
  action: { type: 'choose' },
  undo: { type: 'inline', run: (draft) => draft.push({ type: 'claims_back_to_source' }) },
};

/** Not in Nova: admit must know the disks' real sizes, and the source's agent must be alive before anything is promised. */
const survey: Step = {
  name: 'survey',
  phase: 'survey',
  opens: (world) => [{ event: 'compute_prep_resize', host: fact(world, 'choose').host }],
  action: {
    type: 'command',
    order: (world) =>
      command({
        host: homeOf(world),
        command: 'survey',
        arguments: {},
        epoch: world.instance.epoch,
        timing: 'short',
      }),
    // Here and not from the answer of `stop`: a stop that is ordered twice would find the guest off already.
    done: (draft) => {
      draft.setMigration({ was_running: wasRunning(draft) });
      return undefined;
    },
  },
  undo: { type: 'none', because: 'it only looks; the key it made dies with its migration' },
};

/** A wrong host key or a closed port is found here, while the guest still runs (Nova finds it with the guest at risk). */
const connect: Step = {
  name: 'connect',
  phase: 'connect',
  shows: { status: 'migrating', task_state: 'resize_migrating' },
  opens: (world) => [{ event: 'compute_resize_instance', host: homeOf(world) }],
  action: {
    type: 'command',
    order: (world) =>
      command({
        host: homeOf(world),
        command: 'connect',
        arguments: { endpoint: fact(world, 'admit').endpoint, disks: transferDisks(world) },
        epoch: world.instance.epoch,
        timing: 'short',
      }),
  },
  undo: abortCopy,
};

const stop: Step = {
  name: 'stop',
  phase: 'stop',
  // Better a guest that still runs than one that is off while nothing moves.
  waits_while_paused: true,
  ordered: (draft) => {
    if (wasRunning(draft)) draft.setMigration({ downtime: 'begins' });
  },
  action: {
    type: 'command',
    order: (world, settings) =>
      command({
        host: homeOf(world),
        command: 'stop',
        arguments: { shutdown_timeout_seconds: settings.shutdown_timeout_seconds },
        epoch: world.instance.epoch,
        timing: 'shutdown',
      }),
  },
  undo: {
    type: 'command',
    order: (world) =>
      wasRunning(world)
        ? command({
            host: homeOf(world),
            command: 'power_on',
            arguments: {},
            epoch: unwindEpoch(world),
            timing: 'short',
          })
        : null,
  },
};

const retire: Step = {
  name: 'retire',
  phase: 'retire',
  shows: { status: 'post-migrating', task_state: 'resize_migrated' },
  closes: ['compute_resize_instance'],
  action: {
    type: 'command',
    order: (world) =>
      command({
        host: homeOf(world),
        command: 'retire',
        arguments: {},
        epoch: nextEpoch(world),
        timing: 'short',
      }),
  },
  undo: {
    type: 'command',
    order: (world) =>
      command({
        host: homeOf(world),
        command: 'unretire',
        arguments: {},
        epoch: unwindEpoch(world),
        timing: 'short',
      }),
  },
};

const adopt: Step = {
  name: 'adopt',
  phase: 'adopt',
  shows: { status: 'post-migrating', task_state: 'resize_finish' },
  opens: (world) => [{ event: 'compute_finish_resize', host: fact(world, 'choose').host }],
  action: {
    type: 'command',
    order: (world) =>
      command({
        host: fact(world, 'choose').host,
        command: 'adopt',
        arguments: { spec: world.spec, power_on: wasRunning(world) },
        epoch: nextEpoch(world),
        timing: 'short',
      }),
    done: (draft) => {
      if (wasRunning(draft)) draft.setMigration({ downtime: 'ends' });
      return undefined;
    },
  },
  undo: {
    type: 'command',
    // Never owed: until the target has answered, its copy may be running, and the source must not start (one home).
    order: (world) =>
      command({
        host: fact(world, 'choose').host,
        command: 'unadopt',
        arguments: {},
        epoch: unwindEpoch(world),
        timing: 'short',
      }),
  },
};

/** The instance's home flips here, with everything that follows from it, in one transaction. */
const switchHome: Step = {
  name: 'switch',
  phase: 'switch',
  closes: ['compute_finish_resize'],
  action: {
    type: 'inline',
    run: (draft, settings) => {
      const target = fact(draft, 'choose');
      const window_seconds = settings.resize_confirm_window_seconds;
      draft.setMigration({
        status: 'finished',
        phase: 'verify-resize',
        confirm_due_seconds: window_seconds > 0 ? window_seconds : null,
      });
      draft.setInstance({
        host: target.host,
        node: target.node,
        availability_zone: target.availability_zone,
        epoch: nextEpoch(draft),
        vm_state: 'resized',
        task_state: null,
        power_state: fact(draft, 'adopt').power_state,
        progress: 0,
        launched: true,
      });
    },
  },
  undo: { type: 'none', because: 'from here on the way back is the revert plan' },
  point_of_no_return: true,
};

export const cold: Plan = {
  steps: [
    choose,
    turn,
    survey,
    admit,
    connect,
    admitRunning,
    precopy,
    stop,
    admitAgain,
    copy,
    verify,
    prepare,
    retire,
    adopt,
    switchHome,
  ],
  cancellable: true,
  unwound: (draft, reason) => {
    draft.setMigration({
      status: reason.code === 'cancelled' ? 'cancelled' : 'error',
      phase: 'done',
      reason,
      confirm_due_seconds: null,
    });
    draft.setInstance({ task_state: null, progress: 0, epoch: unwindEpoch(draft) });
  },
};
