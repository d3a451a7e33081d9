import { nextEpoch, unwindEpoch } from '../epochs.ts';
import { command, fact, homeOf, migrationOf, type Plan, type Step } from '../step.ts';

/**
 * Revert: the guest goes back to the source, whose disks were kept. The target's copy is withdrawn first (one home)
 * and removed last, after the source has the guest in the state it should be in.
 */

const withdraw: Step = {
  name: 'withdraw',
  phase: 'withdraw',
  shows: { status: 'reverting', task_state: 'resize_reverting' },
  opens: (world) => [{ event: 'compute_revert_resize', host: homeOf(world) }],
  closes: ['compute_revert_resize'],
  action: {
    type: 'command',
    order: (world, settings) =>
      command({
        host: homeOf(world),
        command: 'withdraw',
        arguments: { shutdown_timeout_seconds: settings.shutdown_timeout_seconds },
        epoch: nextEpoch(world),
        timing: 'shutdown',
      }),
  },
  undo: {
    type: 'command',
    order: (world) =>
      command({
        host: homeOf(world),
        command: 'unwithdraw',
        arguments: { spec: world.spec, power_on: world.instance.power_state === 1 },
        epoch: unwindEpoch(world),
        timing: 'short',
      }),
  },
};

const restore: Step = {
  name: 'restore',
  phase: 'restore',
  opens: (world) => [{ event: 'compute_finish_revert_resize', host: migrationOf(world).source_host }],
  action: {
    type: 'command',
    order: (world) =>
      command({
        host: migrationOf(world).source_host,
        command: 'restore',
        arguments: { spec: world.spec, power_on: startsAgain(world) },
        epoch: nextEpoch(world),
        timing: 'short',
      }),
  },
  undo: {
    type: 'command',
    order: (world) =>
      command({
        host: migrationOf(world).source_host,
        command: 'unrestore',
        arguments: {},
        epoch: unwindEpoch(world),
        timing: 'short',
      }),
  },
};

/** The home flips back. The task state stays until the target is clean, so that nothing else begins meanwhile. */
const settle: Step = {
  name: 'settle',
  phase: 'settle',
  point_of_no_return: true,
  closes: ['compute_finish_revert_resize'],
  action: {
    type: 'inline',
    run: (draft) => {
      const migration = migrationOf(draft);
      draft.push({ type: 'claims_back_to_source' });
      draft.setMigration({ status: 'reverted', phase: 'discard', confirm_due_seconds: null });
      draft.setInstance({
        host: migration.source_host,
        node: migration.source_node,
        epoch: nextEpoch(draft),
        power_state: fact(draft, 'restore').power_state,
        launched: true,
      });
    },
  },
  undo: { type: 'none', because: 'the guest is at home again' },
};

const discard: Step = {
  name: 'discard',
  phase: 'discard',
  action: {
    type: 'command',
    order: (world) => {
      const target = migrationOf(world).target_host;
      if (target === null) throw new Error(`migration ${migrationOf(world).id} is reverted without a target`);
      return command({
        host: target,
        command: 'discard_target',
        arguments: {},
        epoch: world.instance.epoch,
        // A target that died must not keep the guest from being used: it cleans up when it comes back.
        timing: 'owed',
      });
    },
  },
  undo: { type: 'none', because: 'the source has been checked: the withdrawn copy is of no use' },
};

const finish: Step = {
  name: 'finish',
  phase: 'done',
  action: {
    type: 'inline',
    run: (draft) => {
      const stopped = migrationOf(draft).old_vm_state === 'stopped';
      draft.setMigration({ phase: 'done' });
      draft.setInstance({ vm_state: stopped ? 'stopped' : 'active', task_state: null });
    },
  },
  undo: { type: 'none', because: 'rows only, after the point of no return' },
};

function startsAgain(world: Parameters<typeof migrationOf>[0]): boolean {
  return migrationOf(world).old_vm_state !== 'stopped';
}

export const revert: Plan = {
  steps: [withdraw, restore, settle, discard, finish],
  cancellable: false,
  unwound: (draft, reason) => {
    draft.setMigration({ status: 'finished', phase: 'verify-resize', reason });
    draft.setInstance({ task_state: null, epoch: unwindEpoch(draft) });
  },
};
