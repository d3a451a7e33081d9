import type { DiskDescription } from '../../../../shared/messaging/commands.ts';
import { command, fact, type Step } from '../step.ts';

type World = Parameters<typeof fact>[0];

/** What the mover sends: the guest's disks, and before them whatever they stand on that the target cannot get. */
export const transferDisks = (world: World): readonly DiskDescription[] =>
  fact(world, 'admit').transfer_disks ?? fact(world, 'survey').disks;

/**
 * Not in Nova, which converts on arrival and compares nothing. After `verify`, so that only what is proved to be the
 * source's own is converted; before `retire`, so that the source still has the guest if it cannot be done.
 */
export const prepare: Step = {
  name: 'prepare',
  phase: 'verify',
  skip: (world) => world.operation.facts.admit?.needs_prepare !== true,
  action: {
    type: 'command',
    order: (world) =>
      command({
        host: fact(world, 'choose').host,
        command: 'prepare',
        arguments: {},
        epoch: world.instance.epoch,
        timing: 'long',
      }),
  },
  undo: {
    type: 'none',
    because: 'undoing admit removes the copy; files that went into the cache are right there',
  },
};
