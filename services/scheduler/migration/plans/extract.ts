import { command, fact, homeOf, type Plan, type Step } from '../step.ts';

/**
 * A server's disk becomes an image; the guest stays as it is, where it is. Two steps, so that a broken upload is tried
 * again without a new conversion, and so that what Nova's clients see of it is what Nova shows.
 */

type World = Parameters<typeof fact>[0];

/** @throws Error: our bug, the operation was requested without its image */
function wishOf(world: World) {
  const { extract: wish } = world.operation.request;
  if (wish === undefined) throw new Error(`operation ${world.operation.id} has no image to make`);
  return wish;
}

const extractDisk: Step = {
  name: 'extract',
  phase: 'extract',
  shows: { task_state: 'image_pending_upload' },
  opens: (world) => [{ event: 'compute_snapshot_instance', host: homeOf(world) }],
  action: {
    type: 'command',
    order: (world) =>
      command({
        host: homeOf(world),
        command: 'extract',
        arguments: wishOf(world),
        epoch: world.instance.epoch,
        timing: 'long',
      }),
  },
  undo: {
    type: 'command',
    // Owed: a host that is gone must not keep the server from being used; its agent's start removes the files.
    order: (world) =>
      command({
        host: homeOf(world),
        command: 'discard_extract',
        arguments: { image_id: wishOf(world).image_id },
        epoch: world.instance.epoch,
        timing: 'owed',
      }),
  },
};

const upload: Step = {
  name: 'upload',
  phase: 'upload',
  shows: { task_state: 'image_uploading' },
  closes: ['compute_snapshot_instance'],
  action: {
    type: 'command',
    order: (world) => {
      const { upload: target } = world;
      if (target === undefined)
        throw new Error(`operation ${world.operation.id} was read without its ticket`);
      const { size_bytes, sha512 } = fact(world, 'extract');
      return command({
        host: homeOf(world),
        command: 'upload',
        arguments: { upload: target, size_bytes, sha512 },
        epoch: world.instance.epoch,
        timing: 'long',
      });
    },
  },
  undo: { type: 'none', because: 'what arrived of an upload is thrown away by whoever receives it' },
};

const settle: Step = {
  name: 'settle',
  phase: 'settle',
  point_of_no_return: true,
  action: { type: 'inline', run: (draft) => draft.setInstance({ task_state: null, progress: 0 }) },
  undo: { type: 'none', because: 'the image is complete: whoever does not want it deletes it' },
};

export const extract: Plan = {
  steps: [extractDisk, upload, settle],
  cancellable: true,
  unwound: (draft) => {
    // As in Nova: an image that did not come about is not left behind for its owner to wonder about.
    draft.push({ type: 'image_abandoned', image_id: wishOf(draft).image_id });
    draft.setInstance({ task_state: null, progress: 0 });
  },
};
