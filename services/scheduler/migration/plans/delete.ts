import { command, homeOf, type Plan, type Step } from '../step.ts';

/** Delete. In VERIFY_RESIZE the source's copy goes first, as if the move had been confirmed (facts, section 3.6). */

const discard: Step = {
  name: 'discard',
  phase: 'discard',
  point_of_no_return: true,
  // Not by vm_state: an administrator may have reset it, and the source's copy is there all the same.
  skip: (world) => world.migration?.status !== 'finished',
  action: {
    type: 'command',
    order: (world) => {
      if (world.migration === null)
        throw new Error(`operation ${world.operation.id} has no migration to discard`);
      return command({
        host: world.migration.source_host,
        command: 'discard_source',
        arguments: {},
        epoch: world.instance.epoch,
        timing: 'owed',
      });
    },
    done: (draft) => {
      draft.setMigration({ status: 'confirmed', phase: 'done', confirm_due_seconds: null });
      return undefined;
    },
  },
  undo: { type: 'none', because: 'a deleted instance is not kept on any host' },
};

const destroy: Step = {
  name: 'destroy',
  phase: 'destroy',
  point_of_no_return: true,
  skip: (world) => world.instance.host === null,
  opens: (world) => [{ event: 'compute_terminate_instance', host: world.instance.host }],
  action: {
    type: 'command',
    order: (world) =>
      command({
        host: homeOf(world),
        command: 'destroy',
        arguments: {},
        epoch: world.instance.epoch,
        // Nova too deletes an instance whose host is down; the host cleans up when it comes back.
        timing: 'owed',
      }),
  },
  undo: { type: 'none', because: 'removed disks do not come back' },
};

const settle: Step = {
  name: 'settle',
  phase: 'settle',
  closes: ['compute_terminate_instance'],
  action: {
    type: 'inline',
    run: (draft) => {
      draft.push({ type: 'claims_release_all' });
      // Also when the source did not answer: its order stays in the queue, and nothing can revert to a deleted instance.
      if (draft.migration?.status === 'finished') {
        draft.setMigration({ status: 'confirmed', phase: 'done', confirm_due_seconds: null });
      }
      draft.setInstance({ vm_state: 'deleted', task_state: null, host: null, node: null });
      draft.push({ type: 'instance_deleted' });
    },
  },
  undo: { type: 'none', because: 'the instance is gone' },
};

export const remove: Plan = {
  steps: [discard, destroy, settle],
  cancellable: false,
  unwound: (draft) => draft.setInstance({ task_state: null }),
};
