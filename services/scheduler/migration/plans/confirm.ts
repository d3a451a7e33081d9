import { PowerState } from '../../../../shared/domain/states.ts';
import { command, homeOf, migrationOf, type Plan, type Step } from '../step.ts';

/** Confirm: the source's copy goes, but only after the guest at the target was looked at. */

const check: Step = {
  name: 'check',
  phase: 'check',
  shows: { status: 'confirming' },
  opens: (world) => [{ event: 'compute_confirm_resize', host: migrationOf(world).source_host }],
  action: {
    type: 'command',
    order: (world) =>
      command({
        host: homeOf(world),
        command: 'check',
        // What we last knew, not what it was before the move: a guest shut down from inside may be confirmed.
        arguments: { expect_running: world.instance.power_state === PowerState.running },
        epoch: world.instance.epoch,
        timing: 'short',
      }),
  },
  undo: { type: 'none', because: 'it only looks' },
};

const discard: Step = {
  name: 'discard',
  phase: 'discard',
  point_of_no_return: true,
  action: {
    type: 'command',
    order: (world) =>
      command({
        host: migrationOf(world).source_host,
        command: 'discard_source',
        arguments: {},
        epoch: world.instance.epoch,
        timing: 'short',
      }),
  },
  undo: { type: 'none', because: 'removed disks do not come back: this is the point of no return' },
};

const settle: Step = {
  name: 'settle',
  phase: 'settle',
  closes: ['compute_confirm_resize'],
  action: {
    type: 'inline',
    run: (draft) => {
      draft.push({ type: 'claims_release_source' });
      draft.setMigration({ status: 'confirmed', phase: 'done', confirm_due_seconds: null });
      // Nova's rule: the stored power state decides, not the state before the move (facts, section 3.2).
      const off = draft.instance.power_state === PowerState.shutdown;
      draft.setInstance({ vm_state: off ? 'stopped' : 'active', task_state: null });
    },
  },
  undo: { type: 'none', because: 'the source is gone already' },
};

export const confirm: Plan = {
  steps: [check, discard, settle],
  cancellable: false,
  // Nova puts the instance into ERROR; ours stays in VERIFY_RESIZE, where it can be confirmed again or reverted.
  unwound: (draft, reason, settings) => {
    const window_seconds = settings.resize_confirm_window_seconds;
    draft.setMigration({
      status: 'finished',
      phase: 'verify-resize',
      reason,
      confirm_due_seconds: window_seconds > 0 ? Math.max(window_seconds, 60) : null,
    });
  },
};
